"""Complaints and repairs of the framing: bytes, events, documents.

Knows codes, severities and sentences. Must not know when they apply.
"""

from __future__ import annotations

from .codes import Code

FRAMING = {
    "byte_order_mark": Code("info", "The body begins with a byte order mark.", "proxies on Windows", "skipped it"),
    "invalid_utf8": Code(
        "warning",
        "An event has bytes that are not UTF-8.",
        "relays that cut text in mid-character",
        "shows U+FFFD in their place; the recording has the bytes",
    ),
    "lost_character": Code(
        "warning",
        "Half of a character (a lone surrogate) came and its other half did not.",
        "servers that cut text by UTF-16 units",
        "shows U+FFFD in its place",
    ),
    "character_in_halves": Code(
        "info",
        "A character came in two halves, one in each of two events.",
        "servers that cut text by UTF-16 units",
        "joined them",
    ),
    "events_not_separated": Code(
        "info", "There is no blank line between events.", "hand-written gateways", "parted them at `}` and `{`"
    ),
    "events_run_together": Code(
        "info", "Several events stand in one line.", "relays that drop line ends", "parted them"
    ),
    "field_misspelt": Code(
        "info", "A field of an event is indented or in capitals.", "hand-written gateways", "read it all the same"
    ),
    "data_repeated": Code(
        "warning",
        "A line has `data:` twice; other clients cannot read it.",
        "relays that frame what is framed",
        "read what is behind it",
    ),
    "events_unframed": Code(
        "warning",
        "JSON stands in the stream without `data:`, where other clients skip it.",
        "hand-written gateways, drivers of logs",
        "read it all the same",
    ),
    "unterminated_event": Code(
        "info", "The last event has no blank line after it.", "many servers, after `[DONE]`", "read it all the same"
    ),
    "event_cut_off": Code(
        "warning",
        "The last event is cut off: {text}",
        "proxies, time-outs, resets",
        "dropped it; it is in the raw view",
    ),
    "event_too_long": Code("error", "An event is longer than 64 MiB.", "runaway servers", "kept its beginning"),
    "event_not_json": Code(
        "warning", "An event is not JSON: {text}", "gateways that answer in words", "skipped it; it is in the raw view"
    ),
    "control_characters": Code(
        "info",
        "An event has raw control characters inside its strings.",
        "hand-written gateways",
        "read it all the same",
    ),
    "event_too_deep": Code(
        "error",
        "An event is nested deeper than 200 levels: {text}",
        "runaway servers",
        "skipped it; it is in the raw view",
    ),
    "number_not_json": Code(
        "warning",
        "An event has a number that JSON has not, such as NaN.",
        "servers written in Python",
        "read it as null",
    ),
    "text_between_events": Code(
        "warning", "Text that is no event stands in the stream: {text}", "proxies", "skipped it; it is in the raw view"
    ),
    "event_unknown": Code(
        "info", "An event is none of this protocol: {text}", "metadata, progress and ping events", "skipped it"
    ),
    "done_repeated": Code("info", "`[DONE]` came more than once.", "chained proxies", "ignored the later ones"),
    "data_after_done": Code(
        "warning", "Something came after `[DONE]`: {text}", "relays", "did not add it to the answer"
    ),
    "body_compressed": Code(
        "info",
        "The body came compressed although it was asked for as it is.",
        "CDNs and proxies",
        "inflated it; offsets are those of the inflated body",
    ),
    "body_undecodable": Code(
        "error", "The body cannot be decompressed: {text}", "CDNs and proxies", "read what could be read"
    ),
    "answer_in_one_piece": Code(
        "info",
        "The answer came in one piece although a stream was asked for.",
        "hand-written gateways and agents",
        "read it",
    ),
    "answer_after_the_end": Code(
        "warning",
        "The answer was finished, then the connection ended badly: {text}",
        "servers that close without the last chunk",
        "took the answer as finished",
    ),
}
