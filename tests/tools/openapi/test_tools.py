from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from asked_server import Asked, answer
from callscope.core.errors import UnusableFile
from callscope.core.values import ToolSpec
from callscope.tools.definitions import LoadedTools
from callscope.tools.loading import load_tools
from callscope.tools.planning import PlannedRequest, planned_run
from callscope.tools.running.toolbox import LocalToolbox
from raw_server import RawServer
from toolbench import call, refusal, write

PETS_3 = """
    openapi: 3.1.0
    info: {title: Pets, version: 2024-01-01}
    servers: [{url: "http://127.0.0.1:{port}/v1/", variables: {port: {default: 8000}}}]
    security: [{key: []}]
    paths:
      /pets/{petId}:
        parameters:
          - $ref: "#/components/parameters/PetId"
        get:
          operationId: getPet
          summary: One pet.
          description: With its owner.
          tags: [pets, read]
          parameters:
            - {name: fields, in: query, schema: {type: array, items: {type: string}}}
            - {name: sizes, in: query, explode: false, schema: {type: array, items: {type: integer}}}
            - {name: where, in: query, style: deepObject, schema: {type: object}}
            - {name: X-Trace, in: header, schema: {type: string}, description: For logs.}
            - {name: Accept, in: header, schema: {type: string}}
            - {name: visit, in: cookie, schema: {type: string}}
          responses: {200: {description: yes}}
        put:
          operationId: putPet
          security: []
          requestBody:
            required: true
            content:
              application/xml: {schema: {type: string}}
              application/json: {schema: {$ref: "#/components/schemas/Pet"}}
          responses: {default: {description: no}}
      /pets:
        post:
          tags: [write]
          security: [{basic: []}]
          requestBody: {content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Pet"}}}}}
        delete:
          deprecated: true
          security: [{unknown: []}, {token: []}]
      /upload:
        post:
          operationId: upload
          security: [{cookie: []}]
          requestBody:
            content:
              multipart/form-data:
                schema: {type: object, properties: {note: {type: string}, file: {type: string, format: binary}}}
      /raw:
        put: {operationId: raw, requestBody: {content: {application/octet-stream: {}}}}
    components:
      parameters:
        PetId: {name: petId, in: path, required: true, schema: {$ref: "#/components/schemas/Id"}}
      schemas:
        Id: {type: integer, minimum: 1}
        Pet:
          type: object
          required: [name, id]
          properties:
            id: {type: integer, readOnly: true}
            name: {type: string, example: Rex}
            parent: {$ref: "#/components/schemas/Pet"}
            petId: {type: string}
      securitySchemes:
        key: {type: apiKey, in: query, name: api_key}
        cookie: {type: apiKey, in: cookie, name: session}
        basic: {type: http, scheme: Basic}
        token: {type: oauth2, flows: {}}
    """

PETS_2 = """
    swagger: "2.0"
    host: 127.0.0.1:8000
    basePath: /v2
    schemes: [http, https]
    consumes: [application/json]
    paths:
      /pets:
        get:
          operationId: listPets
          parameters:
            - {name: tags, in: query, type: array, items: {type: string}, collectionFormat: multi}
            - {name: ids, in: query, type: array, items: {type: int}, required: true}
            - {name: max, in: query, type: integer, maximum: 10, exclusiveMaximum: true, description: How many.}
        post:
          operationId: addPet
          parameters:
            - {name: pet, in: body, required: true, schema: {$ref: "#/definitions/Pet"}}
      /form:
        post:
          operationId: form
          consumes: [application/x-www-form-urlencoded]
          parameters:
            - {name: a, in: formData, type: string, required: true}
            - {name: b, in: formData, type: string}
      /file:
        post:
          operationId: file
          parameters: [{name: f, in: formData, type: file}]
    definitions:
      Pet: {type: object, required: [name], properties: {name: {type: string}, age: {type: integer, x-nullable: true}}}
    """


def loaded(folder: Path, spec: str, **entry: Any) -> LoadedTools:
    """The tools of a spec, of which one entry of a tools file speaks."""
    write(folder, "spec.yaml", spec)
    file = {"secrets": ["KEY"], "openapi": [{"spec": "spec.yaml", **entry}]}
    return load_tools([write(folder, "tools.yaml", json.dumps(file))])


def specs(folder: Path, spec: str, **entry: Any) -> dict[str, ToolSpec]:
    return {one.name: one for one in loaded(folder, spec, **entry).specs}


def request(tools: LoadedTools, name: str, arguments: dict[str, Any]) -> PlannedRequest:
    """The request that a call would send."""
    (tool,) = (tool for tool in tools.tools if tool.spec.name == name)
    planned = planned_run(tool, json.dumps(arguments), {"KEY": "geheim-und-lang"})
    assert isinstance(planned, PlannedRequest)
    return planned


def sent(tools: LoadedTools, name: str, arguments: dict[str, Any]) -> tuple[str, dict[str, str], str]:
    """The line, the headers and the body of the request that a call would send."""
    one = request(tools, name, arguments).request
    return f"{one.method} {one.url}", dict(one.headers), one.body.decode()


def test_each_operation_is_a_tool_called_after_its_id_or_its_method_and_path(tmp_path: Path) -> None:
    found = specs(tmp_path, PETS_3)
    assert list(found) == ["getPet", "putPet", "post_pets", "delete_pets", "upload"]
    assert found["getPet"].description == "One pet.\n\nWith its owner."
    assert found["delete_pets"].description == "Deprecated."
    assert found["post_pets"].description == "POST /pets"
    assert found["getPet"].source == f"{tmp_path}/spec.yaml:9 GET /pets/{{petId}}"


def test_the_parameters_of_an_operation_and_of_its_path_are_one_object(tmp_path: Path) -> None:
    parameters = specs(tmp_path, PETS_3)["getPet"].parameters
    assert parameters["properties"] == {
        "petId": {"$ref": "#/$defs/Id"},
        "fields": {"type": "array", "items": {"type": "string"}},
        "sizes": {"type": "array", "items": {"type": "integer"}},
        "where": {"type": "object"},
        "X-Trace": {"type": "string", "description": "For logs."},
        "visit": {"type": "string"},
    }
    assert (parameters["required"], parameters["additionalProperties"]) == (["petId"], False)
    assert parameters["$defs"] == {"Id": {"type": "integer", "minimum": 1}}


def test_each_parameter_is_written_in_its_place_and_style(tmp_path: Path) -> None:
    arguments = {
        "petId": 7,
        "fields": ["a b", "c"],
        "sizes": [1, 2],
        "where": {"age": 3, "kind": ["x", "y"]},
        "X-Trace": "t1",
        "visit": "v&1",
    }
    line, headers, _ = sent(loaded(tmp_path, PETS_3), "getPet", arguments)
    assert line == (
        "GET http://127.0.0.1:8000/v1/pets/7?fields=a%20b&fields=c&sizes=1,2"
        "&where%5Bage%5D=3&where%5Bkind%5D=x&where%5Bkind%5D=y"
    )
    assert (headers["X-Trace"], headers["cookie"]) == ("t1", "visit=v%261")


def test_the_properties_of_a_body_are_arguments_but_for_what_only_answers_hold(tmp_path: Path) -> None:
    tools = loaded(tmp_path, PETS_3)
    parameters = {one.name: one for one in tools.specs}["putPet"].parameters
    assert list(parameters["properties"]) == ["petId", "body"]  # the body has a petId, too: it is one argument
    assert parameters["$defs"]["Pet"]["required"] == ["name"]
    assert list(parameters["$defs"]["Pet"]["properties"]) == ["name", "parent", "petId"]
    _, headers, body = sent(tools, "putPet", {"petId": 1, "body": {"name": "Rex"}})
    assert (headers["content-type"], body) == ("application/json", '{"name":"Rex"}')


def test_a_plain_body_is_spread_over_the_arguments(tmp_path: Path) -> None:
    tools = loaded(tmp_path, PETS_2)
    parameters = {one.name: one for one in tools.specs}["addPet"].parameters
    assert parameters["properties"] == {"name": {"type": "string"}, "age": {"type": ["integer", "null"]}}
    assert parameters["required"] == ["name"]
    assert sent(tools, "addPet", {"name": "Rex", "age": None})[2] == '{"name":"Rex","age":null}'


def test_a_body_that_is_no_object_is_one_argument_and_may_be_left_out(tmp_path: Path) -> None:
    tools = loaded(tmp_path, PETS_3)
    assert sent(tools, "post_pets", {"body": [{"name": "Rex"}]})[2] == '[{"name":"Rex"}]'
    _, headers, body = sent(tools, "post_pets", {})
    assert ("content-type" in headers, body) == (False, "")


def test_lists_are_written_as_swagger_2_has_them(tmp_path: Path) -> None:
    tools = loaded(tmp_path, PETS_2)
    parameters = {one.name: one for one in tools.specs}["listPets"].parameters
    assert parameters["properties"]["max"] == {"type": "integer", "exclusiveMaximum": 10, "description": "How many."}
    assert parameters["properties"]["ids"] == {"type": "array", "items": {"type": "integer"}}
    line = sent(tools, "listPets", {"tags": ["a", "b"], "ids": [1, 2]})[0]
    assert line == "GET http://127.0.0.1:8000/v2/pets?tags=a&tags=b&ids=1,2"


def test_forms_and_files_are_sent_as_a_browser_does(tmp_path: Path) -> None:
    tools = loaded(tmp_path, PETS_2)
    assert sent(tools, "form", {"a": "x y"})[2] == "a=x%20y"
    _, headers, body = sent(tools, "file", {"f": "a\nb"})
    kind, _, boundary = headers["content-type"].partition("; boundary=")
    assert kind == "multipart/form-data"
    assert body == (
        f'--{boundary}\r\ncontent-disposition: form-data; name="f"; filename="f"\r\n'
        f"content-type: application/octet-stream\r\n\r\na\nb\r\n--{boundary}--\r\n"
    )
    _, _, body = sent(loaded(tmp_path, PETS_3), "upload", {"note": 'ü"', "file": "x"})
    assert 'name="note"\r\n\r\nü"\r\n' in body


# ---- what is wanted -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "names"),
    [
        ({"tags": ["pets"]}, ["getPet"]),
        ({"tags": ["*"]}, ["getPet", "post_pets"]),
        ({"operations": ["putPet", "POST /pets"]}, ["putPet", "post_pets"]),
        ({"operations": ["*Pet", "DELETE *"]}, ["getPet", "putPet", "delete_pets"]),
        ({"tags": ["write"], "operations": ["*pets"]}, ["post_pets"]),
        ({"operations": ["getPet"], "prefix": "shop."}, ["shop_getPet"]),
    ],
)
def test_operations_are_selected_by_tag_id_or_method_and_path(tmp_path: Path, entry: Any, names: list[str]) -> None:
    assert list(specs(tmp_path, PETS_3, **entry)) == names


def test_settings_of_an_entry_hold_for_its_tools(tmp_path: Path) -> None:
    (tool,) = loaded(tmp_path, PETS_3, operations=["getPet"], timeout=5, approve="never", limit=99).tools
    assert (tool.timeout, tool.spec.approve, tool.limit) == (5.0, "never", 99)


def test_a_base_url_and_more_may_be_given(tmp_path: Path) -> None:
    extra = {"query": {"v": 2}, "headers": {"x-key": "${KEY}"}}
    tools = loaded(tmp_path, PETS_3, url="http://127.0.0.1:9/api/", operations=["getPet"], **extra)
    line, headers, _ = sent(tools, "getPet", {"petId": 1})
    assert (line, headers["x-key"]) == ("GET http://127.0.0.1:9/api/pets/1?v=2", "${KEY}")


@pytest.mark.parametrize(
    ("scheme", "name", "arguments", "line", "header"),
    [
        ("key", "getPet", {"petId": 1}, "GET http://127.0.0.1:8000/v1/pets/1?api_key=${KEY}", None),
        ("cookie", "upload", {}, "POST http://127.0.0.1:8000/v1/upload", ("cookie", "session=${KEY}")),
        ("basic", "post_pets", {}, "POST http://127.0.0.1:8000/v1/pets", ("authorization", "Basic ${KEY}")),
        ("token", "delete_pets", {}, "DELETE http://127.0.0.1:8000/v1/pets", ("authorization", "Bearer ${KEY}")),
        ("key", "putPet", {"petId": 1, "body": {}}, "PUT http://127.0.0.1:8000/v1/pets/1", None),
    ],
)
def test_an_operation_is_given_the_security_it_asks_for_and_no_other(
    tmp_path: Path, scheme: str, name: str, arguments: Any, line: str, header: tuple[str, str] | None
) -> None:
    found, headers, _ = sent(loaded(tmp_path, PETS_3, auth={scheme: "KEY"}), name, arguments)
    assert found == line
    assert header is None or headers[header[0]] == header[1]


def test_basic_authentication_is_encoded_when_it_is_sent_and_hidden_in_both_forms(tmp_path: Path) -> None:
    server = Asked(answer(b"you sent bWU6Z2VoZWltIQ== for me:geheim!", "403 Forbidden"))

    async def go() -> Any:
        async with RawServer(server) as at:
            tools = loaded(tmp_path, PETS_3, url=at.url, auth={"basic": "KEY"})
            return await LocalToolbox(tools.tools, environment={"KEY": "me:geheim!"}).run(call("post_pets"), "{}")

    result = asyncio.run(go())
    assert server.request[1]["authorization"] == "Basic bWU6Z2VoZWltIQ=="
    assert "you sent ******** for ********" in result.output


def test_what_is_left_out_and_what_will_be_refused_is_said(tmp_path: Path) -> None:
    warnings = loaded(tmp_path, PETS_3, auth={"key": "KEY", "basic": "KEY", "token": "KEY"}).warnings
    place = f"{tmp_path}/tools.yaml:1"
    advice = "write `auth: {NAME: VARIABLE}`, or select other operations."
    assert warnings == (
        f"{place}: left out: PUT /raw (its body is application/octet-stream).",
        f"{place}: nothing was given for cookie, which is asked for by POST /upload; {advice}",
    )


# ---- where it comes from ------------------------------------------------------------------------------------------


def test_a_spec_may_be_fetched_and_is_where_its_api_is(tmp_path: Path) -> None:
    spec = {"openapi": "3.0.3", "paths": {"/now": {"get": {"operationId": "now"}}}, "servers": [{"url": "/api"}]}
    server = Asked(answer(json.dumps(spec).encode()))

    async def go() -> LoadedTools:
        async with RawServer(server) as at:
            file = {"openapi": [{"spec": f"{at.url}/docs/openapi.json"}]}
            path = write(tmp_path, "tools.yaml", json.dumps(file))
            tools = await asyncio.to_thread(load_tools, [path])
            assert sent(tools, "now", {})[0] == f"GET {at.url}/api/now"
            return tools

    tools = asyncio.run(go())
    assert server.request[0] == "GET /docs/openapi.json HTTP/1.1"
    assert tools.specs[0].source.endswith("/docs/openapi.json:1 GET /now")


ELSEWHERE = {
    "openapi": "3.0.3",
    "servers": [{"url": "http://127.0.0.1:9/api"}],
    "paths": {"/now": {"get": {"operationId": "now"}}},
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-key"}}},
}


@pytest.mark.parametrize(
    ("entry", "taken"),
    [
        ({"auth": {"key": "KEY"}}, False),
        ({"headers": {"x-other": "${KEY}"}}, False),
        ({"query": {"key": "${KEY}"}}, False),
        ({"auth": {"key": "KEY"}, "url": "http://127.0.0.1:9/api"}, True),
        ({}, True),
    ],
    ids=["auth", "header", "query", "the person says where", "no secret"],
)
def test_a_file_from_a_server_does_not_say_to_which_other_server_a_secret_goes(
    tmp_path: Path, entry: dict[str, Any], taken: bool
) -> None:
    async def go() -> str | None:
        async with RawServer(Asked(answer(json.dumps(ELSEWHERE).encode()))) as at:
            file = {"secrets": ["KEY"], "openapi": [{"spec": f"{at.url}/openapi.json", **entry}]}
            try:
                await asyncio.to_thread(load_tools, [write(tmp_path, "tools.yaml", json.dumps(file))])
            except UnusableFile as error:
                return str(error)
        return None

    refused = asyncio.run(go())
    assert refused is None if taken else "go to http://127.0.0.1:9/api; if so, write `url`." in str(refused)


@pytest.mark.parametrize("server", ["http://[::1", "http://127.0.0.1:99999", "http://x:port"])
def test_a_server_whose_address_is_none_is_as_no_server(tmp_path: Path, server: str) -> None:
    text = f"openapi: 3.0.3\nservers: [{{url: '{server}'}}]\npaths: {{/now: {{get: {{operationId: now}}}}}}\n"
    write(tmp_path, "api.yaml", text)
    message = refusal(write(tmp_path, "tools.yaml", "openapi: [{spec: api.yaml}]\n"))
    assert "the file does not say where its server is; write `url`." in message


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (answer(b"{}", "404 Not Found"), "cannot be fetched: the server answered 404."),
        (b"nonsense\r\n\r\n", "cannot be fetched: "),
        (answer(b"<html>"), "openapi.json:1: this is no JSON: Expecting value."),
        (answer(b'{"openapi": "3.0.0", "paths": {"/x": {"$ref": "other.json"}}}'), "'other.json' is never fetched"),
    ],
)
def test_a_spec_that_cannot_be_had_is_refused(tmp_path: Path, response: bytes, words: str) -> None:
    async def go() -> None:
        async with RawServer(Asked(response)) as at:
            path = write(tmp_path, "tools.yaml", json.dumps({"openapi": [{"spec": f"{at.url}/openapi.json"}]}))
            await asyncio.to_thread(load_tools, [path])

    with pytest.raises(UnusableFile) as error:
        asyncio.run(go())
    assert words in str(error.value)


def test_a_spec_on_disk_may_lie_in_several_files_below_its_folder(tmp_path: Path) -> None:
    write(tmp_path, "parts/pet.yaml", "type: object\nproperties: {name: {$ref: name.json}}\n")
    write(tmp_path, "parts/name.json", '{"type": "string", "nullable": true}')
    parameters = "[{name: pet, in: query, schema: {$ref: pet.yaml}}]"
    write(tmp_path, "parts/path.yaml", f"get: {{operationId: one, parameters: {parameters}}}\n")
    found = specs(tmp_path, "openapi: 3.0.1\nservers: [{url: 'http://x'}]\npaths: {/p: {$ref: parts/path.yaml}}\n")
    assert found["one"].parameters["$defs"] == {
        "pet": {"type": "object", "properties": {"name": {"$ref": "#/$defs/name"}}},
        "name": {"type": ["string", "null"]},
    }


@pytest.mark.parametrize(
    ("spec", "entry", "words"),
    [
        ("openapi: 2.0\n", {}, "this is no OpenAPI 3.0 or 3.1 file"),
        ("- 1\n", {}, "this is no OpenAPI 3.0 or 3.1 file"),
        ("openapi: 3.0.0\npaths: {/x: {get: {}}}\n", {}, "the file does not say where its server is; write `url`."),
        (PETS_3, {"spec": "none.yaml"}, "there is no file none.yaml"),
        (PETS_3, {"spec": None}, "an entry without `spec`"),
        (PETS_3, {"spec": "ftp://x/y"}, "ftp://x/y is neither a file nor an http or https URL."),
        (PETS_3, {"tags": ["pet"]}, "nothing fits pet (did you mean pets?); known here: pets, read, write."),
        (PETS_3, {"operations": ["getPets"]}, "nothing fits getPets (did you mean getPet?); known here: getPet, GET"),
        (PETS_3, {"operations": [3]}, "`operations` are texts, not 3."),
        (PETS_3, {"operations": ["raw"]}, "PUT /raw cannot be taken: its body is application/octet-stream."),
        (
            PETS_3,
            {"auth": {"kay": "KEY"}},
            "the file has no security scheme kay (did you mean key?); it has key, cookie,",
        ),
        (PETS_3, {"auth": {"key": "OTHER"}}, "OTHER is not declared: write it under `secrets:`."),
        (PETS_3, {"auth": {"key": "sk-1"}}, "is the name of an environment variable, never its value."),
        (PETS_3, {"auth": "KEY"}, "`auth` must be a mapping from names of security schemes"),
        (PETS_3, {"url": "127.0.0.1"}, "`url` must begin with http:// or https:// and a host"),
        (PETS_3, {"url": 5}, "`url` must be text, not 5."),
        (PETS_3, {"url": "http://x/{petId}"}, "{petId} names no parameter; known here: none"),
        (PETS_3, {"base": "http://x"}, "unknown key `base`"),
        (PETS_3, {"isolate": "process"}, "unknown key `isolate`"),
        (PETS_3, {"timeout": 0}, "`timeout` must be seconds"),
        (PETS_3, {"prefix": 3}, "`prefix` must be text, not 3."),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(tmp_path: Path, spec: str, entry: Any, words: str) -> None:
    write(tmp_path, "spec.yaml", spec)
    file = {"secrets": ["KEY"], "openapi": [{"spec": "spec.yaml", **entry}]}
    assert words in refusal(write(tmp_path, "tools.yaml", json.dumps(file)))


def test_a_spec_from_others_is_read_as_yaml_1_2_has_it(tmp_path: Path) -> None:
    spec = """
        openapi: 3.0.0
        servers: [{url: "http://x"}]
        paths:
          /x:
            get:
              operationId: on
              parameters:
                - {name: country, in: query, schema: {type: string, enum: [NO, SE, on, ~, "1"], default: 2020-01-01}}
              responses:
                200: {description: 1e3}
        """
    schema = specs(tmp_path, spec)["on"].parameters["properties"]["country"]
    assert schema == {"type": "string", "enum": ["NO", "SE", "on", None, "1"], "default": "2020-01-01"}
