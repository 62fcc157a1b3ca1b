from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.errors import UsageError
from callscope.core.events import BytesRead, CallAssembled
from callscope.record.curating.redacting import redacted, redacted_header, values_at
from callscope.record.deriving.checking import check
from callscope.record.deriving.rederiving import derive
from callscope.record.file.reading import open_recording
from callscope.record.file.writing import write_whole
from callscope.record.matching.pointing import at_path, parse_path
from callscope.record.rerunning.rerunning import rerun
from callscope.record.secrets.masking import Secrets
from callscope.record.secrets.ruling import Rules
from command_line import callscope
from planted_secrets import KNOWN, ODD, SK
from recordbench import Answer, Scene, lines, plain, says, wants
from sessionbench import assert_whole, fresh_folder


def redact(path: Path, *values: str) -> Path:
    made, secrets = path.with_name("redacted.jsonl"), Secrets(values)
    write_whole(made, redacted_header(path, secrets, parent=True), redacted(open_recording(path), secrets, plain))
    return made


def leaks(path: Path, *values: str) -> list[str]:
    return [
        str(problem) for problem in check(path, Rules({f"V{n}": one for n, one in enumerate(values)}), plain).problems
    ]


def in_pieces(secret: str, size: int) -> bytes:
    """A call whose arguments hold the secret, so many characters a delta."""
    text = json.dumps({"key": secret, "city": "Paris"}, ensure_ascii=False)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    call = {"call": 0, "id": "c", "name": "get_weather"}
    return lines(*[call | {"arguments": piece} for piece in pieces], {"finish": "tool_calls"})


@pytest.mark.parametrize("secret", [KNOWN, ODD, SK], ids=["plain", "odd", "token"])
@pytest.mark.parametrize("cuts", [3, 7, 5000])
@pytest.mark.parametrize("size", [2, 5, 200])
def test_a_value_is_masked_wherever_it_stands(tmp_path: Path, secret: str, cuts: int, size: int) -> None:
    answers = [Answer(in_pieces(secret, size), cuts=cuts), Answer(says(f"It is {secret}."), cuts=cuts)]
    path = Scene(tmp_path, answers).play(f"Use {secret}!")
    assert leaks(path, secret) != [] or secret == SK
    made = redact(path, secret)
    assert leaks(made, secret) == []
    assert_whole(made)
    assert secret not in made.read_text()


def test_masking_more_keeps_the_number_of_bytes_of_every_read_and_its_cuts(tmp_path: Path) -> None:
    path = Scene(tmp_path, [Answer(says(f"It is {KNOWN}."), cuts=9)]).play("hi")
    reads = [
        [len(entry.event.data) for entry in open_recording(one).entries if isinstance(entry.event, BytesRead)]
        for one in (path, redact(path, KNOWN))
    ]
    assert reads[0] == reads[1]


def test_what_was_masked_is_listed_beside_what_was_masked_before(tmp_path: Path) -> None:
    scene = Scene(tmp_path, [says("ok")], secrets=Secrets([KNOWN]))
    path = scene.play(f"{KNOWN} and {ODD}")
    line = next(entry.members for entry in open_recording(redact(path, ODD)).entries if entry.kind == "user")
    size = len(KNOWN.encode())
    assert line["masked"] == {"text": [[0, size], [size + 5, len(ODD.encode())]]}
    assert set(line["text"]) == set("* and")


def test_arguments_are_still_json_and_the_rest_of_them_is_as_it_was(tmp_path: Path) -> None:
    path = Scene(tmp_path, [Answer(in_pieces(ODD, 3), cuts=4), says("ok")]).play("hi")
    stream = derive(open_recording(redact(path, ODD)), plain)
    (call,) = [stamped.event.call for stamped in stream if isinstance(stamped.event, CallAssembled)]
    assert json.loads(call.arguments)["city"] == "Paris"
    assert set(json.loads(call.arguments)["key"]) == {"*"}


def test_times_and_all_other_lines_stay_as_they_were(tmp_path: Path) -> None:
    path = Scene(tmp_path, [wants(("get_weather", '{"city":"Paris"}')), says("Sunny.")]).play("hi")
    assert redact(path, KNOWN).read_bytes().splitlines()[1:] == path.read_bytes().splitlines()[1:]


@settings(max_examples=60, deadline=None)
@given(
    secret=st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=9, max_size=30).filter(
        lambda text: len(text.strip()) > 8
    ),
    cuts=st.integers(1, 60),
    size=st.integers(1, 40),
)
def test_any_value_is_masked_over_any_cuts_and_deltas(secret: str, cuts: int, size: int) -> None:
    with fresh_folder() as folder:
        answers = [Answer(in_pieces(secret, size), cuts=cuts), says("ok")]
        made = redact(Scene(Path(folder), answers).play(secret), secret)
        assert leaks(made, secret) == []
        assert asyncio.run(rerun(open_recording(made), dialects=plain)).divergence is None


# ---- by path -------------------------------------------------------------------------------------------------------


def test_a_path_leads_into_lines_and_into_the_json_in_them(tmp_path: Path) -> None:
    path = Scene(tmp_path, [wants(("get_weather", '{"who":{"mail":"ada@example.org"}}')), says("x")]).play(
        "Hello there"
    )
    recording = open_recording(path)
    assert values_at(recording, [parse_path("$.who.mail")]) == {"ada@example.org"}
    assert values_at(recording, [parse_path("$.for.who.mail")]) == {"ada@example.org"}
    assert values_at(recording, [parse_path("$.messages[0].content")]) == {"Hello there"}
    assert "Hello there" in values_at(recording, [parse_path("$.text")])


@pytest.mark.parametrize(("value", "words"), [('"short"', "fewer than 8 characters"), ("12345678", "is a number")])
def test_what_cannot_be_masked_everywhere_is_refused(tmp_path: Path, value: str, words: str) -> None:
    path = Scene(tmp_path, [wants(("get_weather", f'{{"pin":{value}}}')), says("x")]).play("hi")
    with pytest.raises(UsageError, match=words):
        values_at(open_recording(path), [parse_path("$.pin")])


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [{"a": [{"b": 1}, {"b": 2}], "x y": 3}]),
        ("$.a[0].b", [1]),
        ("$.a[*].b", [1, 2]),
        ('$["x y"]', [3]),
        ("$.*", [[{"b": 1}, {"b": 2}], 3]),
        ("$.a.b", []),
        ("$.a[7]", []),
    ],
)
def test_a_path_finds_what_it_says(path: str, found: list[object]) -> None:
    assert list(at_path({"a": [{"b": 1}, {"b": 2}], "x y": 3}, parse_path(path))) == found


@pytest.mark.parametrize("path", ["", "a", "$a", "$.", "$[", "$.a[x]", "$..a", "$.a b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="write a JSON path"):
        parse_path(path)


# ---- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    sample = Path(__file__).parents[3] / "recordings" / "samples" / "weather.jsonl"
    copied = tmp_path / "weather.jsonl"
    copied.write_bytes(sample.read_bytes())
    return copied


def test_the_original_stays_unless_it_is_to_be_replaced(recording: Path, tmp_path: Path) -> None:
    before = recording.read_bytes()
    secret = {"WHAT": "made-up demo data"}
    ran = callscope("recordings", "redact", recording, "--value-env", "WHAT", folder=tmp_path, env=secret)
    assert ran.code == 0
    assert recording.read_bytes() == before
    assert b"made-up demo data" not in Path(ran.out.strip()).read_bytes()
    ran = callscope("recordings", "redact", recording, "--value-env", "WHAT", "--in-place", folder=tmp_path, env=secret)
    assert (ran.code, ran.out.strip()) == (0, str(recording))
    assert b"made-up demo data" not in recording.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--value-env", "NOWHERE"], "the variable is not set"),
        (["--value-env", "SHORT"], "fewer than 8 characters"),
        (["--path", "$.nothing.here"], "nothing stands there"),
        (["--in-place", "--output", "x.jsonl"], "--output says nothing beside it"),
    ],
)
def test_what_cannot_be_redacted_is_refused_and_nothing_is_written(
    recording: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    ran = callscope("recordings", "redact", recording, *arguments, folder=tmp_path, env={"SHORT": "abc"})
    assert (ran.code, words in ran.err) == (2, True)
    assert list(tmp_path.iterdir()) == [recording]


def test_a_redaction_that_masks_nothing_says_so(recording: Path, tmp_path: Path) -> None:
    ran = callscope("recordings", "redact", recording, folder=tmp_path)
    assert (ran.code, "had to be masked" in ran.err) == (0, True)
    secret = {"WHAT": "made-up demo data"}
    ran = callscope("recordings", "redact", recording, "--value-env", "WHAT", folder=tmp_path, env=secret)
    assert (ran.code, "had to be masked" in ran.err) == (0, False)
