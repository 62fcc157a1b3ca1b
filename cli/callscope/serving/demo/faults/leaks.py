"""The faults of rule 15: calls that the server did not parse and that leak into the text.

Knows the forms in which models write calls. Must not know bytes.
"""

from __future__ import annotations

from typing import Any

from callscope.serving.demo.answer import Chunk, words

from .chunks import finish, like
from .fault import Fault, chunk_fault, entries, is_stream, part, text_in

FAULTS: list[Fault] = []


def _leak(name: str, sentence: str, form: str, *aliases: str, beside: bool = False) -> None:
    """A fault that writes each call into the text; `form` has places for its name and its arguments."""

    def change(chunks: list[Chunk]) -> list[Chunk]:
        calls: dict[Any, list[str]] = {}
        for number, entry in enumerate(each for chunk in chunks for each in entries(chunk)):
            inner = entry.get("function") or {"name": "", "arguments": entry.get("custom", {}).get("input", "")}
            call = calls.setdefault(entry.get("index", -number), ["", ""])
            call[0] += inner.get("name", "")
            call[1] += inner["arguments"]
        text = "".join(form.replace("NAME", call[0]).replace("ARGUMENTS", call[1]) for call in calls.values())
        return _told(chunks, text, beside) if text else chunks

    chunk_fault(FAULTS, 15, name, sentence, *aliases)(change)


def _told(chunks: list[Chunk], text: str, beside: bool) -> list[Chunk]:
    if not is_stream(chunks):
        part(chunks[0])["content"] = f"{text_in(chunks[0])}{text}"
        if not beside:
            del part(chunks[0])["tool_calls"]
        return chunks if beside else finish(chunks, "stop")
    leaked = [like(chunks[0], {"content": word}) for word in words(text)]
    place = next(number for number, chunk in enumerate(chunks) if entries(chunk))
    rest = [chunk for chunk in chunks[place:] if beside or not entries(chunk)]
    told = [*chunks[:place], *leaked, *rest]
    return told if beside else finish(told, "stop")


_leak(
    "leaked hermes call",
    "The server did not parse the model's own form of a call: <tool_call> (Qwen, Hermes).",
    '\n<tool_call>\n{"name": "NAME", "arguments": ARGUMENTS}\n</tool_call>',
    "leaked markup",
    "leaked call",
    "leak",
)
_leak(
    "leaked mistral call",
    "The same, as [TOOL_CALLS] (Mistral).",
    '[TOOL_CALLS][{"name": "NAME", "arguments": ARGUMENTS}]',
)
_leak(
    "leaked llama call",
    "The same, as <|python_tag|> (Llama).",
    '<|python_tag|>{"type": "function", "name": "NAME", "parameters": ARGUMENTS}',
)
_leak(
    "leaked kimi call",
    "The same, in Kimi's markers.",
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.NAME:0<|tool_call_argument_begin|>ARGUMENTS"
    "<|tool_call_end|><|tool_calls_section_end|>",
)
_leak(
    "leaked deepseek call",
    "The same, in DeepSeek's DSML.",
    '<｜DSML｜function_calls><｜DSML｜invoke name="NAME">ARGUMENTS</｜DSML｜invoke></｜DSML｜function_calls>',
)
_leak(
    "leak beside the call",
    "The call leaks into the text and comes as a call as well.",
    '\n<tool_call>\n{"name": "NAME", "arguments": ARGUMENTS}\n</tool_call>',
    beside=True,
)
