from __future__ import annotations

import asyncio
import datetime
import enum
import functools
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from callscope.core.errors import UnusableFile
from callscope.tools.invalid import InvalidArguments
from callscope.tools.python.signatures import read_signature


class Unit(enum.Enum):
    C = "celsius"
    F = "fahrenheit"


class Place(BaseModel):
    city: str = Field(title="The City", description="Its name.")
    title: str = ""


@dataclass
class Pair:
    first: int
    second: int = 2


class Words(TypedDict):
    text: str


def properties(function: Callable[..., Any]) -> dict[str, Any]:
    members: dict[str, Any] = read_signature(function).parameters["properties"]
    return members


def echo(function: Callable[..., Any], **arguments: Any) -> Any:
    return read_signature(function).call(json.dumps(arguments))


def weather(city: str, days: int = 1, unit: Literal["c", "f"] = "c") -> None:
    """Look at the sky.

    Then say something.

    Args:
        city: Name of
            the city.
        days: How many.
    """


def test_a_signature_is_a_schema_with_the_docstrings_words() -> None:
    signature = read_signature(weather)
    assert signature.description == "Look at the sky.\n\nThen say something."
    assert signature.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Name of the city."},
            "days": {"type": "integer", "default": 1, "description": "How many."},
            "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
        },
        "required": ["city"],
        "additionalProperties": False,
    }


GOOGLE = "Say.\n\nArgs:\n    city: The city."
NUMPY = "Say.\n\nParameters\n----------\ncity : str\n    The city."
REST = "Say.\n\n:param city: The city."


@pytest.mark.parametrize("docstring", [GOOGLE, NUMPY, REST], ids=["google", "numpy", "rest"])
def test_descriptions_are_read_from_any_common_style_of_docstring(docstring: str) -> None:
    def tool(city: str) -> None: ...

    tool.__doc__ = docstring
    assert (read_signature(tool).description, properties(tool)["city"]["description"]) == ("Say.", "The city.")


def test_a_description_in_the_annotation_wins_over_the_docstring() -> None:
    def tool(
        a: Annotated[str, Field(description="from Field")],
        b: Annotated[str, "from a string"],
        c: str = Field("x", description="from the default"),
        d: str = "text is no description",
    ) -> None:
        """Say.

        Args:
            a: no
            b: no
            c: no
            d: yes
        """

    found = {name: part["description"] for name, part in properties(tool).items()}
    assert found == {"a": "from Field", "b": "from a string", "c": "from the default", "d": "yes"}


@pytest.mark.parametrize(
    "name", ["json", "copy", "schema", "validate", "dict", "_private", "model_config", "f0", "self_"]
)
def test_no_name_of_a_parameter_is_special(name: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def tool({name}: int = 1, other: int = 2) -> tuple: return ({name}, other)", namespace)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(properties(namespace["tool"])) == [name, "other"]
        assert echo(namespace["tool"], **{name: 5}) == (5, 2)


def test_no_title_of_pydantics_is_left_but_a_property_called_title_is() -> None:
    def tool(place: Place, title: str) -> None: ...

    schema = read_signature(tool).parameters
    assert list(schema["properties"]) == ["place", "title"]
    assert list(schema["$defs"]["Place"]["properties"]) == ["city", "title"]
    assert '"title": "' not in json.dumps(schema)


def test_every_schema_is_a_json_schema() -> None:
    def tool(
        a: Place, b: Pair, c: list[Unit], d: dict[str, float], e: datetime.date | None = None, *f: int
    ) -> None: ...

    jsonschema.Draft202012Validator.check_schema(read_signature(tool).parameters)


def test_arguments_come_as_the_annotated_types() -> None:
    def tool(day: datetime.date, unit: Unit, place: Place, pair: Pair, words: Words, tags: set[str]) -> tuple[Any, ...]:
        return day, unit, place, pair, words, tags

    came = echo(
        tool,
        day="2026-11-21",
        unit="celsius",
        place={"city": "Rome"},
        pair={"first": 1},
        words={"text": "x"},
        tags=["a", "a"],
    )
    assert came == (datetime.date(2026, 11, 21), Unit.C, Place(city="Rome"), Pair(1, 2), {"text": "x"}, {"a"})


def test_parameters_of_every_kind_get_their_values() -> None:
    def tool(a: int, b: int = 2, /, c: int = 3, *rest: int, d: int, e: int = 5, **more: int) -> tuple[Any, ...]:
        return a, b, c, rest, d, e, more

    assert echo(tool, a=1, d=4) == (1, 2, 3, (), 4, 5, {})
    assert echo(tool, a=1, c=0, rest=[7, 8], d=4, more={"x": 9}) == (1, 2, 0, (7, 8), 4, 5, {"x": 9})


def test_a_default_is_the_functions_own_object() -> None:
    marker = object()

    def tool(a: Any = marker, b: int = Field(default=7)) -> tuple[Any, int]:
        return a, b

    assert echo(tool) == (marker, 7)


def test_a_default_that_is_no_json_is_left_out_of_the_schema() -> None:
    def tool(a: Any = object()) -> None: ...  # noqa: B008

    assert properties(tool) == {"a": {}}


def test_arguments_that_do_not_fit_are_problems_with_their_path() -> None:
    def tool(day: datetime.date, place: Place) -> None: ...

    with pytest.raises(InvalidArguments) as raised:
        echo(tool, day="soon", place={}, other=1)
    assert dict(raised.value.problems)["place.city"] == "missing argument place.city"
    assert dict(raised.value.problems)["other"] == "unknown argument other"
    assert dict(raised.value.problems)["day"].startswith("day: input should be a valid date")


def test_an_async_function_is_called_and_gives_its_coroutine() -> None:
    async def tool(a: int) -> int:
        return a + 1

    assert asyncio.run(echo(tool, a=1)) == 2


def test_a_decorated_function_has_the_signature_it_wraps() -> None:
    def twice(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            return [function(*args, **kwargs)] * 2

        return inner

    @twice
    def tool(city: str) -> str:
        """Name it."""
        return city

    assert (read_signature(tool).description, echo(tool, city="x")) == ("Name it.", ["x", "x"])


def test_a_parameter_without_a_type_is_taken_only_where_the_schema_is_given_elsewhere() -> None:
    def tool(a, b=2):  # type: ignore[no-untyped-def]
        return a, b

    assert read_signature(tool, typed=False).call('{"a": [1]}') == ([1], 2)
    with pytest.raises(UnusableFile, match="tool: the parameter a has no type; write one, as in `a: str`"):
        read_signature(tool)


def test_a_function_without_a_docstring_has_no_description() -> None:
    def tool() -> None: ...

    assert read_signature(tool).description == ""
