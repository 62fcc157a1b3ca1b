"""The page for a bug report: whatever a recording holds is text on it, and it asks no address for anything."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from callscope.exporting.page import html
from callscope.record.file.reading import RecordingFile
from hostile_recording import HOSTILE, hostile
from written_recording import Written, says, wants

SAMPLES = sorted((Path(__file__).parents[2] / "recordings" / "samples").glob("*.jsonl"))
OURS = set(
    re.findall(
        r"\w+",
        """html head meta title style body header span input button main h1 h2 h3 h4 p code dl div dt dd ul li ol a b
        svg rect section details summary table tr th td pre i footer script""",
    )
)


class Parsed(HTMLParser):
    """The elements of a page, its text, and what stands in its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.inside: list[str] = []
        self.text: list[str] = []
        self.held: dict[str, str] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "input"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.inside and self.inside[-1] in ("script", "style"):
            self.held[self.inside[-1]] = self.held.get(self.inside[-1], "") + data
        else:
            self.text.append(data)


def page_of(written: Written, folder: Path) -> str:
    return "".join(html(RecordingFile(written.write(folder / "x.jsonl"))))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_a_page_of_our_own_elements_in_order(sample: Path) -> None:
    parsed = Parsed("".join(html(RecordingFile(sample))))
    assert parsed.inside == []
    assert set(parsed.elements) <= OURS


@pytest.mark.parametrize("evil", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_words_make_no_element_and_no_attribute(evil: str, tmp_path: Path) -> None:
    plain, parsed = Parsed(page_of(hostile("harmless"), tmp_path)), Parsed(page_of(hostile(evil), tmp_path))
    # what differs is text: a place of its own may only be added where harmless words have one, too
    assert set(parsed.elements) <= set(plain.elements) | {"i", "span", "a"}
    assert {name for _, name, _ in parsed.attributes} <= {name for _, name, _ in plain.attributes}
    assert parsed.elements["script"] == 1
    assert parsed.held == plain.held


@pytest.mark.parametrize("evil", HOSTILE, ids=range(len(HOSTILE)))
def test_no_character_that_turns_the_text_around_or_hides_is_on_the_page(evil: str, tmp_path: Path) -> None:
    page = page_of(hostile(evil), tmp_path)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b\ufeff]", page)
    page.encode()


def test_links_lead_to_places_of_the_page_that_are_there(tmp_path: Path) -> None:
    parsed = Parsed(page_of(hostile(HOSTILE[0]), tmp_path))
    ids = [value for _, name, value in parsed.attributes if name == "id"]
    links = {value for _, name, value in parsed.attributes if name == "href"}
    assert len(ids) == len(set(ids))
    assert links
    assert links <= {f"#{place}" for place in ids}


def test_exchanges_of_the_same_number_are_two_places(tmp_path: Path) -> None:
    written = Written().exchanged(says("Hi"))
    written.exchange = 0
    parsed = Parsed(page_of(written.exchanged(says("Ho")), tmp_path))
    ids = [value for _, name, value in parsed.attributes if name == "id"]
    assert {"x1", "x2"} <= set(ids)
    assert len(ids) == len(set(ids))


def test_the_policy_allows_our_style_and_script_and_nothing_else(tmp_path: Path) -> None:
    parsed = Parsed(page_of(Written().exchanged(says("Hi")), tmp_path))
    policy = next(value for tag, name, value in parsed.attributes if name == "content" and "default-src" in value)
    hashes = {
        name: base64.b64encode(hashlib.sha256(parsed.held[name].encode()).digest()).decode() for name in parsed.held
    }
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_the_page_has_no_inline_style_no_handler_and_no_address_of_its_own(tmp_path: Path) -> None:
    page = page_of(Written().exchanged(says("Hi"), url="gopher:nowhere"), tmp_path)
    names = {name for _, name, _ in Parsed(page).attributes}
    assert not {
        name for name in names if name == "style" or name.startswith("on") or name in ("src", "srcset", "action")
    }
    assert not re.search(r"https?://|url\(|@import", page.replace("http://model.test/v1", ""))


def test_deltas_are_told_apart_and_lead_to_their_frames(tmp_path: Path) -> None:
    written = Written().exchanged(wants("get_weather", '{"ci', 'ty": "Ro', 'me"}'))
    page = page_of(written, tmp_path)
    deltas = re.findall(r'<a href="#(f1-\d+)" class="d">([^<]*)</a>', page) or re.findall(
        r'<a class="d" href="#(f1-\d+)">([^<]*)</a>', page
    )
    assert [text for _, text in deltas] == ["{&quot;ci", "ty&quot;: &quot;Ro", "me&quot;}"]
    frames = re.findall(r'<li id="(f1-\d+)">', page)
    assert [place for place, _ in deltas] == frames[1:4]


def test_a_border_of_reads_is_marked_in_its_frame(tmp_path: Path) -> None:
    whole = b"".join(says("Hi"))
    page = page_of(Written().exchanged([whole[:30], whole[30:]]), tmp_path)
    assert page.count('<i class="cut"') == 1
    first = re.search(r"<pre class=\"t\">(data:.*?)<i class", page)
    assert first is not None
    assert len(first[1].replace("&quot;", '"')) == 30


def test_what_is_left_out_of_a_frame_is_counted_in_bytes_whatever_reads_cut_it(tmp_path: Path) -> None:
    long = says("Hi" * 3000)[0].replace(b"Hi", "é".encode())
    page = page_of(Written().exchanged([long[:4001], long[4001:5000], long[5000:]]), tmp_path)
    frame = re.search(r"<pre class=\"t\">(data:.*?)</pre>", page, re.DOTALL)
    assert frame is not None
    shown, _, more = frame[1].replace("&quot;", '"').partition('<span class="more">')
    raw = long.partition(b"\n\n")[0]
    assert raw.startswith(shown.encode())
    assert more == f" … {len(raw) - len(shown.encode()):,} more bytes are in the recording</span>"


def test_a_call_and_what_is_said_of_it_go_by_its_tool_and_id(tmp_path: Path) -> None:
    page = "".join(html(RecordingFile(SAMPLES[0].parent / "cut-arguments.jsonl")))
    assert '<b class="t">get_weather</b><span class="quiet"> · </span><code class="t">call_1' in page
    assert re.search(r"\(get_weather · call_1[^)]*\) ", page)
    assert not re.search(r"call 1\.\d", page)


def test_what_a_person_did_by_hand_is_counted(tmp_path: Path) -> None:
    written = Written().add("user", text="Hi").exchanged(says("Hi")).add("rewind", to=1)
    item = {"item": "message", "role": "user", "text": "Ho"}
    page = page_of(written.add("insert", items=[item]).add("insert", items=[item, item]), tmp_path)
    assert "The conversation was cut back to 1 item." in page
    assert "By hand 1 item was put in." in page
    assert "By hand 2 items were put in." in page


def test_what_is_masked_stays_masked() -> None:
    page = "".join(html(RecordingFile(SAMPLES[0].parent / "masked-secret.jsonl")))
    assert "Bearer ****************" in page


def test_a_huge_session_is_a_page_of_bounded_size(tmp_path: Path) -> None:
    long = wants("get_weather", *(f'"{number:06}"' for number in range(20_000)))
    written = Written().add("user", text="x" * 3_000_000).exchanged(long, body=b"y" * 2_000_000)
    page = page_of(written, tmp_path)
    assert len(page) < 1_500_000
    assert "2,900,000 more bytes are in the recording" in page
    assert "more deltas" in page
    assert re.search(r"[\d,]+ frames in between are in the recording", page)


def test_more_exchanges_than_are_shown_are_counted(tmp_path: Path) -> None:
    written = Written()
    for _ in range(305):
        written.exchanged(says("Hi"))
    page = page_of(written, tmp_path)
    assert "The first 300 of 305 exchanges are shown." in page
    assert page.count('class="exchange"') == 300


def test_problems_stand_first(tmp_path: Path) -> None:
    page = "".join(html(RecordingFile(SAMPLES[0].parent / "cut-arguments.jsonl")))
    assert page.index("3 problems") < page.index("Turn 1")
    assert "No problem was found" not in page


def test_marks_of_a_person_are_on_the_page(tmp_path: Path) -> None:
    assert "look <b>here" not in (page := page_of(Written().add("mark", text="look <b>here"), tmp_path))
    assert "look &lt;b&gt;here" in page
