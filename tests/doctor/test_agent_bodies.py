"""The bodies of agents seen in the wild: which rule says what of each, however the reads are cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.doctor.exchange import Exchange
from callscope.doctor.report import Finding, examine
from callscope.doctor.stream_rules import TIME_RULES
from examined import exchange, failing
from quirkbodies import FOLDER, Quirk, corpus

QUIRKS = {quirk.path.name.partition(".")[0]: quirk for quirk in corpus(FOLDER / "acf")}

CLEAN = (
    "501-framework-as-documented",
    "502-toolkit-readme-frames",
    "504-several-calls-in-one-step",
    "505-answer-in-one-piece",
    "507-created-and-completed-steps",
    "512-utf-8-and-surrogates",
    "559-words-with-spaces",
)

SAYS = {
    "503-close-without-done": {"acf.done"},
    "508-beeai-crlf-id-and-ping": {
        "acf.call_id_own",
        "acf.done",
        "acf.no_comments",
        "acf.no_crlf",
        "acf.no_id_line",
    },
    "509-pings-between-frames": {"acf.no_comments"},
    "510-event-line-says-another-thing": {"acf.event_line"},
    "511-framing-without-blank-lines": {"acf.done", "stream.separated", "stream.terminated"},
    "513-beeai-thinking-as-content": {"acf.done", "acf.thinking"},
    "514-thinking-in-a-list-of-parts": {"acf.content"},
    "515-agent-builder-text-in-step": {"acf.done", "acf.step_details"},
    "516-empty-step-and-text": {"acf.step_details"},
    "517-unknown-step": {"acf.step_type"},
    "519-openai-shaped-call-not-offered": {"acf.call_shape", "acf.result_comes"},
    "520-openai-shaped-call-answered": {"acf.call_shape"},
    "524-calls-as-an-object": {"acf.tool_calls"},
    "525-events-as-text-plain": {"acf.done", "http.content_type"},
    "526-final-chunk-of-chat-completions": {"acf.no_chunks"},
    "527-final-empty-delta": {"acf.delta", "acf.done"},
    "528-choices-empty-at-the-end": {"acf.choices"},
    "529-something-after-done": {"acf.nothing_after_done"},
    "530-system-heartbeats": {"acf.delta", "acf.role"},
    "531-fresh-thread-in-every-frame": {"acf.one_thread"},
    "533-empty-thread": {"acf.thread_id"},
    "534-role-of-the-person": {"acf.role"},
    "535-object-missing": {"acf.object"},
    "541-error-by-the-id-of-the-frame": {"acf.error_as_text"},
    "543-empty-body": {"http.answers"},
    "544-cut-in-a-frame": {"http.complete"},
    "546-reset-after-text": {"http.complete"},
    "548-error-object": {"acf.done", "acf.no_error"},
    "549-error-event-with-broken-json": {"acf.done", "acf.no_error", "stream.json"},
    "550-error-event-with-json": {"acf.done", "acf.no_error"},
    "551-http-401-json": {"http.answers"},
    "554-http-500-plain": {"http.answers"},
    "556-http-404-express": {"http.answers"},
    "558-words-without-spaces": {"acf.spaces"},
    "560-id-missing-in-spec": {"acf.call_id", "acf.result_id", "acf.result_comes"},
    "561-python-repr-in-readme": {"acf.result_json"},
    "562-result-of-another-id": {"acf.result_id", "acf.result_comes"},
    "565-call-without-result": {"acf.result_comes"},
    "566-two-results-of-one-call": {"acf.result_once"},
    "567-one-id-for-two-calls": {"acf.call_id"},
    "569-result-as-object": {"acf.result_content"},
    "570-args-as-text": {"acf.call_args"},
    "572-beeai-answer-in-one-piece": {"acf.whole_object"},
    "573-answer-without-index-and-finish": {"acf.whole_members"},
    "576-native-completed-alone": {"acf.framework_only"},
    "580-second-dialect": {"acf.events"},
    "582-second-dialect-stream-error": {"acf.events", "acf.no_error"},
}


def answered(quirk: Quirk, reads: list[bytes]) -> Exchange:
    """The exchange in which a body came, all at the same moment."""
    return exchange(
        "acf",
        reads,
        {"stream": quirk.path.with_suffix(".sse").exists()},
        status=quirk.meta["http_status"],
        headers=(("content-type", quirk.meta["content_type"]),),
        how=quirk.meta.get("ending", "complete"),
        times=[0.1] * len(reads),
    )


def whole(name: str) -> Exchange:
    return answered(QUIRKS[name], [QUIRKS[name].body])


def timeless(came: Exchange) -> list[Finding]:
    """The findings but for those on time: when reads came is all that they are about."""
    return [one for one in examine([came], "acf") if one.rule not in TIME_RULES]


@pytest.mark.parametrize("name", CLEAN)
def test_an_agent_that_keeps_the_contract_breaks_no_rule(name: str) -> None:
    assert failing([whole(name)], "acf") == set()


@pytest.mark.parametrize("name", SAYS)
def test_a_deviation_breaks_its_rules_and_no_others(name: str) -> None:
    assert failing([whole(name)], "acf") == SAYS[name]


@given(name=st.sampled_from(sorted(QUIRKS)), data=st.data())
@settings(max_examples=150, deadline=None)
def test_the_findings_are_the_same_however_the_reads_are_cut(name: str, data: st.DataObject) -> None:
    body = QUIRKS[name].body
    places = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=30)))
    reads = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]
    assert timeless(answered(QUIRKS[name], reads)) == timeless(whole(name))


def test_the_offending_frame_is_quoted_with_its_place() -> None:
    quirk = QUIRKS["570-args-as-text"]
    (found,) = [one for one in examine([whole("570-args-as-text")], "acf") if one.rule.id == "acf.call_args"]
    assert found.evidence is not None
    quoted = quirk.body[found.evidence.start : found.evidence.end].decode()
    assert (found.evidence.text, '"args": "' in quoted) == (quoted, True)
