from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from callscope.tools.definitions import Implementation
from callscope.tools.loading import load_tools
from callscope.tools.outgoing import (
    CommandLine,
    FormBody,
    HttpCall,
    JsonBody,
    QueryField,
    TextBody,
)
from callscope.tools.templates import Argument, Template, Variable
from toolbench import refusal, write

CITY = {"type": "object", "properties": {"city": {}, "days": {}}, "required": ["city"]}
URL = "http://127.0.0.1:8000/{city}"


def definition(folder: Path, run: Any, parameters: Any = CITY, **top: Any) -> Path:
    """A file with one tool that runs so, written over several lines."""
    tool = {"name": "t", "parameters": parameters, "run": run}
    return write(folder, "tools.yaml", json.dumps({**top, "tools": [tool]}, indent=1))


def read(folder: Path, run: Any, parameters: Any = CITY, **top: Any) -> Implementation | None:
    return load_tools([definition(folder, run, parameters, **top)]).tools[0].implementation


def refused(folder: Path, run: Any, parameters: Any = CITY, **top: Any) -> str:
    return refusal(definition(folder, run, parameters, **top))


def test_a_command_is_read_with_its_groups_folder_and_environment(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    command = {
        "args": ["git", 5, ["--days", "{days}"], "--city={city}"],
        "cwd": "data",
        "env": {"TOKEN": "${KEY}", "N": 1},
    }
    assert read(tmp_path, {"command": command}, secrets=["KEY"], variables={"B": None}) == CommandLine(
        (
            (Template(("git",)),),
            (Template(("5",)),),
            (Template(("--days",)), Template((Argument("days"),))),
            (Template(("--city=", Argument("city"))),),
        ),
        tmp_path / "data",
        (("TOKEN", Template((Variable("KEY"),))), ("N", Template(("1",)))),
        ("KEY",),
    )


def test_the_path_of_a_program_is_relative_to_the_file(tmp_path: Path) -> None:
    write(tmp_path, "bin/x.sh", "")
    command = read(tmp_path, {"command": ["bin/x.sh"]})
    assert isinstance(command, CommandLine)
    assert command.words == ((Template((str(tmp_path / "bin/x.sh"),)),),)


def test_a_request_is_read_with_all_its_keys(tmp_path: Path) -> None:
    http = {
        "method": "PUT",
        "url": URL,
        "query": {"d": "{days}"},
        "headers": {"x-k": "${KEY}"},
        "json": {"c": "{city}"},
    }
    url = Template(("http://127.0.0.1:8000/", Argument("city")))
    assert read(tmp_path, {"http": http}, secrets=["KEY"]) == HttpCall(
        "PUT",
        url,
        (QueryField("d", Template((Argument("days"),))),),
        (("x-k", Template((Variable("KEY"),))),),
        JsonBody({"c": Template((Argument("city"),))}),
    )


@pytest.mark.parametrize(
    ("body", "read_as"),
    [
        ({}, None),
        ({"json": "{*}"}, JsonBody(Template((Argument("*"),)))),
        ({"form": "{*}"}, FormBody((QueryField("*", Template((Argument("*"),))),))),
        ({"body": "hi {city}"}, TextBody(Template(("hi ", Argument("city"))))),
    ],
)
def test_a_request_with_a_body_is_a_post_unless_it_says_otherwise(tmp_path: Path, body: Any, read_as: Any) -> None:
    http = read(tmp_path, {"http": {"url": URL, "query": {"d": "{days}"}, **body}})
    assert isinstance(http, HttpCall)
    assert (http.method, http.body) == ("POST" if body else "GET", read_as)


def test_where_a_schema_does_not_list_its_properties_a_place_may_have_any_name(tmp_path: Path) -> None:
    for schema in ({"allOf": [{"properties": {"x": {}}}]}, {"type": "object", "additionalProperties": {}}):
        assert read(tmp_path, {"command": ["echo", "{x}"]}, schema)
        assert read(tmp_path, {"http": {"url": "http://127.0.0.1/{x}"}}, schema)


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", 'grep -- "$1" notes', "sh", "{city}"],
        ["python3", "tool.py", "-c", "{city}"],
        ["bash", "-c", "date", "{city}"],
        ["wsh", "-c", "{city}"],
    ],
)
def test_a_value_may_stand_beside_a_script(tmp_path: Path, command: Any) -> None:
    assert read(tmp_path, {"command": command})


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ({"command": "ls {city}"}, '`command` must be a list, such as [prog, "{city}"]: no shell takes it apart.'),
        ({"command": []}, "`command` must be a list"),
        ({"command": {"args": "ls"}}, "`command` must be a list"),
        ({"command": {"cwd": "."}}, "`command` must be a list"),
        ({"command": {"args": ["ls"], "shell": True}}, "unknown key `shell`; known here: args, cwd, env."),
        ({"command": ["{city}"]}, "the program must stand first, and no argument may choose it."),
        ({"command": ["x-{city}"]}, "no argument may choose it."),
        ({"command": [["ls", "{city}"]]}, "the program must stand first"),
        ({"command": [""]}, "the program must stand first"),
        ({"command": ["./none.sh"]}, "there is no file none.sh; paths are relative to tools.yaml."),
        ({"command": ["ls", []]}, "an empty group"),
        ({"command": ["ls", ["-l", ["{city}"]]]}, "this must be text, which may have places such as {city}"),
        ({"command": ["ls", None]}, "this must be text"),
        ({"command": ["ls", {"a": 1}]}, "this must be text"),
        (
            {"command": ["ls", "{cty}"]},
            "{cty} names no parameter (did you mean city?); known here: city, days; for the",
        ),
        ({"command": ["awk", "{print $1}"]}, "for the text itself write {{print $1}}."),
        (
            {"command": ["echo", "${HOME}"]},
            "${HOME} is not declared: write HOME under `secrets:` or, where anybody may",
        ),
        ({"command": ["echo", "{"]}, "a { stands alone; write it twice for the brace itself."),
        ({"command": ["sh", "-c", "ls {city}"]}, "{city} stands within a script, where a value could say anything"),
        ({"command": ["/bin/bash", "-ec", "ls {city}"]}, "{city} stands within a script"),
        ({"command": ["python3.12", "-c", "print('{city}')"]}, "{city} stands within a script"),
        ({"command": ["perl", "-e", "{city}"]}, "{city} stands within a script"),
        ({"command": {"args": ["ls"], "cwd": "none"}}, "there is no folder none; paths are relative to tools.yaml."),
        ({"command": {"args": ["ls"], "cwd": 5}}, "`cwd` must be the path of a folder, not 5."),
        ({"command": {"args": ["ls"], "env": ["A"]}}, "`env` must be a mapping from names of variables to values."),
        ({"command": {"args": ["ls"], "env": {"a b": "x"}}}, "a key of `env` is the name of an environment variable"),
        ({"command": {"args": ["ls"], "env": {"A": ["x"]}}}, "this must be text"),
        ({"http": URL}, "`http` must be a mapping with `url`."),
        ({"http": {}}, "`url` is missing"),
        ({"http": {"url": URL, "params": {}}}, "unknown key `params`; known here: method, url, query,"),
        ({"http": {"url": URL, "method": "get"}}, "`method` must be GET, POST"),
        ({"http": {"url": "http://[::1/"}}, "`url` is none: invalid ipv6 url."),
        ({"http": {"url": "http://127.0.0.1:99999/"}}, "`url` is none: port out of range 0-65535."),
        ({"http": {"url": "ftp://x/{city}"}}, "`url` must begin with http:// or https:// and a host"),
        ({"http": {"url": "/w/{city}"}}, "`url` must begin with http:// or https:// and a host"),
        ({"http": {"url": "{city}"}}, "`url` must begin with http:// or https:// and a host"),
        ({"http": {"url": "http://{city}/"}}, "`url` must begin with http:// or https:// and a host"),
        ({"http": {"url": "https://x.{city}.org/"}}, "no argument or variable may stand in the host of `url`"),
        ({"http": {"url": "https://x:{city}"}}, "no argument or variable may stand in the host of `url`"),
        ({"http": {"url": "https://me:pass@x.org/{city}"}}, "`url` holds a user name; send it in `headers`"),
        ({"http": {"url": "http://x/{days}"}}, "days is not `required`, and the URL needs it"),
        ({"http": {"url": "http://x/"}}, "the parameter city goes nowhere; put {city} where it belongs"),
        ({"http": {"url": URL}}, "the parameter days goes nowhere"),
        ({"http": {"url": URL, "query": "{days}"}}, 'this must be a mapping, or "{*}" for all arguments.'),
        ({"http": {"url": URL, "query": ["d"]}}, "this must be a mapping from names to values."),
        ({"http": {"url": URL, "query": {"d": ["{days}"]}}}, "this must be text"),
        ({"http": {"url": URL, "headers": "x"}}, "`headers` must be a mapping from names to values."),
        ({"http": {"url": URL, "headers": {"a b": "{days}"}}}, "'a b' is no name of an HTTP header."),
        ({"http": {"url": URL, "headers": {"Host": "{days}"}}}, "the header Host follows from the request"),
        ({"http": {"url": URL, "json": "{*}", "body": "x"}}, "a request has one body: json or body."),
        ({"http": {"url": URL, "json": {"a": "{dys}"}}}, "{dys} names no parameter (did you mean days?)"),
        ({"mcp": {}}, "`run` knows no 'mcp'; it knows python, http, command or mock."),
    ],
)
def test_a_run_that_makes_no_sense_is_refused_with_the_rule_and_what_to_do(
    tmp_path: Path, run: Any, words: str
) -> None:
    assert words in refused(tmp_path, run)


def test_an_argument_right_after_an_address_of_a_variable_could_change_the_host(tmp_path: Path) -> None:
    http = {"url": "${BASE}{city}", "query": {"d": "{days}"}}
    assert "could change the host; write a / between them." in refused(
        tmp_path, {"http": http}, variables={"BASE": None}
    )


def test_a_mistake_is_said_with_the_line_it_is_on(tmp_path: Path) -> None:
    text = """
        tools:
          - name: t
            parameters: {properties: {city: {}}}
            run:
              http:
                url: http://127.0.0.1/
                query:
                  q: "{city}"
                  r: "{cty}"
        """
    assert refusal(write(tmp_path, "tools.yaml", text)).startswith("tools.yaml:9: {cty} names no parameter")


def test_a_custom_tool_has_one_place_called_input(tmp_path: Path) -> None:
    text = "tools: [{type: custom, name: t, run: {command: [echo, '{text}']}}]"
    assert "{text} names no parameter; known here: input;" in refusal(write(tmp_path, "tools.yaml", text))
