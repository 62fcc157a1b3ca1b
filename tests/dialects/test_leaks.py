"""Markup of calls in text: each family's is found, talk about markup is not."""

from __future__ import annotations

import pytest

from callscope.core.events import Diagnostic
from callscope.dialects.leaks import find_leak
from chatbodies import assembled, chunk, codes, stream

OFFERED = ("get_weather", "read_file")
ARGUMENTS = '{"city": "Brno"}'
CALL = f'{{"name": "get_weather", "arguments": {ARGUMENTS}}}'

LEAKS = [
    f"<tool_call>\n{CALL}\n</tool_call>",
    f"Sure.\n<tool_call>{CALL}",
    "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Brno</arg_value>\n</tool_call>",
    f"<tool_call>[{CALL}]</tool_call>",
    f"<TOOLCALL>[{CALL}]</TOOLCALL>",
    f"{CALL}\n</tool_call>",
    "<tool_call>\n",
    f'<minimax:tool_call>\n<invoke name="get_weather">{ARGUMENTS}',
    f"<tool_calls>\n{CALL}\n</tool_calls>",
    f"<function=get_weather>{ARGUMENTS}</function>",
    "<function=get_weather>\n<parameter=city>\nBrno\n</parameter>\n</function>",
    f'<function_calls>\n<invoke name="get_weather">\n{ARGUMENTS}',
    f"[TOOL_CALLS][{CALL}]",
    f"[TOOL_CALLS] [{CALL}]",
    f"[TOOL_CALLS]get_weather{ARGUMENTS}",
    f"[TOOL_CALLS]get_weather[ARGS]{ARGUMENTS}",
    f"<|python_tag|>{CALL}",
    '<|python_tag|>get_weather.call(city="Brno")',
    f"<|tool_call|>[{CALL}]<|/tool_call|>",
    "<|tool_call_start|>[get_weather(city='Brno')]<|tool_call_end|>",
    f"<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{ARGUMENTS}",
    f"<|tool_call_begin|> functions.get_weather:0 <|tool_call_argument_begin|> {ARGUMENTS}",
    f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n{ARGUMENTS}",
    '<｜DSML｜function_calls>\n<｜DSML｜invoke name="get_weather">',
    '<|DSML|function_calls>\n<|DSML|invoke name="get_weather">',
    f"<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{ARGUMENTS}<|call|>",
    f"commentary to=functions.get_weather json{ARGUMENTS}",
    f"<|function_call|>{CALL}",
    "<start_function_call>call:get_weather{city:<escape>Brno<escape>}<end_function_call>",
    f"```tool_call\n{CALL}\n```",
    '```tool_code\nprint(default_api.get_weather(city="Brno"))\n```',
    f"Action: get_weather\nAction Input: {ARGUMENTS}",
    f"<|START_ACTION|>[{CALL}]<|END_ACTION|>",
    f"<|some_new_token|>get_weather{ARGUMENTS}",
    "<read_file>\n<path>a.txt</path>\n</read_file>",
    CALL,
    f"[{CALL}]",
    f'{{"name": "get_weather", "parameters": {ARGUMENTS}}}',
    f'{{"type": "function", "function": {{"name": "get_weather", "arguments": {ARGUMENTS}}}}}',
    f'{{"tool_calls": [{CALL}]}}',
    f"```json\n{CALL}\n```",
    f"I will look.\n{CALL}",
    '[get_weather(city="Brno")]',
    'get_weather(city="Brno")',
]

TALK = [
    "",
    "It rains in Brno.",
    "Use `<tool_call>{...}</tool_call>` around it.",
    "The <tool_call> tag marks a call, and </tool_call> ends it.",
    "Mistral writes [TOOL_CALLS] before its calls.",
    "Llama's <|python_tag|> token begins a call.",
    "Kimi uses <|tool_calls_section_begin|> markers for that.",
    "A template may hold:\n```jinja\n<tool_call>{{ call | tojson }}</tool_call>\n```\nand so on.",
    'The weather API returns {"name": "Brno", "temp": 21}.',
    '{"name": "Brno", "arguments": "none"}',
    '{"city": "Brno", "temperature": 21}',
    "[1, 2, 3]",
    "print(get_weather('Brno')) prints it; get_weather(city) is the function.",
    "if a < b and b > c: <div>x</div> | y",
    "```python\nget_weather(city='Brno')\nread_file('x')\n```\nThis is how.",
    "to=functions is no keyword.",
    "Action: wait.\nThen go.",
]


@pytest.mark.parametrize("text", LEAKS)
def test_the_markup_of_a_call_is_found(text: str) -> None:
    assert find_leak(text, OFFERED)


@pytest.mark.parametrize("text", TALK)
def test_talk_about_markup_is_none(text: str) -> None:
    assert find_leak(text, OFFERED) is None


def test_a_leak_is_shown_verbatim_warned_about_with_its_cause_and_frame_and_not_run() -> None:
    before, markup = chunk({"content": "Sure.\n"}), chunk({"content": "<tool"})
    events = stream(before, markup, chunk({"content": f"_call>{CALL}"}), finish="stop")
    [warning] = [item for item in events if isinstance(item, Diagnostic)]
    assert (warning.severity, warning.code) == ("warning", "leaked_tool_call")
    assert "--tool-call-parser" in warning.message
    assert warning.frame is not None
    assert (before + markup)[warning.frame.start : warning.frame.end] == markup.rstrip()
    assert assembled(events) == []


def test_a_leak_in_the_reasoning_is_told_too() -> None:
    assert "leaked_tool_call" in codes(stream(chunk({"reasoning": f"<tool_call>{CALL}"}), finish="stop"))


def test_inline_thinking_is_mentioned_and_left() -> None:
    assert codes(stream(chunk({"content": "<think>hm</think>Yes."}), finish="stop")) == {"reasoning_inline"}
