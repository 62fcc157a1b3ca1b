"""Tools of other frameworks, here as classes of the same shape; the frameworks themselves are not installed."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from callscope.tools.definitions import Tool
from callscope.tools.loading import load_tools
from callscope.tools.running.toolbox import LocalToolbox
from toolbench import error_of, refusal, run, write

AGENTS = """
    import dataclasses, json
    from typing import Any
    @dataclasses.dataclass
    class FunctionTool:
        name: str
        description: str
        params_json_schema: dict
        on_invoke_tool: Any = None
        strict_json_schema: bool = True
        needs_approval: bool = False
        timeout_seconds: float | None = None
        _failure_error_function: Any = None
        _use_default_failure_error_function: bool = True
        def __post_init__(self):
            self.on_invoke_tool = Invoker(self)
        def __copy__(self):
            return dataclasses.replace(self)
    class Invoker:
        def __init__(self, tool): self.tool = tool
        async def __call__(self, context, arguments):
            try:
                return weather(context, **json.loads(arguments))
            except Exception as error:
                if self.tool._use_default_failure_error_function:
                    return 'An error occurred while running the tool.'
                if self.tool._failure_error_function:
                    return self.tool._failure_error_function(context, error)
                raise
    def weather(context, city):
        print('asking for', context.tool_name)
        if city == 'Nowhere':
            raise ValueError('no such city')
        return {'city': city, 'call': context.tool_arguments}
    SCHEMA = {'type': 'object', 'title': 'get_weather_args',
              'properties': {'city': {'type': 'string', 'title': 'City'}}, 'required': ['city']}
    get_weather = FunctionTool('get_weather', 'Current weather.', SCHEMA, needs_approval=True, timeout_seconds=5)
    polite = FunctionTool('polite', '', SCHEMA, strict_json_schema=False, _use_default_failure_error_function=False,
                          _failure_error_function=lambda context, error: f'sorry: {error}')
    def helper(): pass
    """


def tools_of(folder: Path, source: str) -> dict[str, Tool]:
    return {tool.spec.name: tool for tool in load_tools([write(folder, "tools_module.py", source)]).tools}


def toolbox(folder: Path, source: str, *, isolated: bool = False) -> LocalToolbox:
    path = write(folder, "tools_module.py", source)
    if isolated:
        path = write(folder, "tools.yaml", "defaults: {isolate: process}\nmodules: [tools_module.py]\n")
    return LocalToolbox(load_tools([path]).tools)


def test_the_tools_of_openai_agents_load_with_what_they_say_of_themselves(tmp_path: Path) -> None:
    tools = tools_of(tmp_path, AGENTS)
    assert list(tools) == ["get_weather", "polite"]
    spec = tools["get_weather"].spec
    assert (spec.description, spec.strict, spec.approve) == ("Current weather.", True, "ask")
    assert spec.parameters == {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    assert (tools["get_weather"].timeout, tools["polite"].timeout) == (5.0, 60.0)
    assert (tools["polite"].spec.strict, tools["polite"].spec.approve) == (None, None)


@pytest.mark.parametrize("isolated", [False, True])
def test_a_tool_of_openai_agents_runs_with_a_context_in_which_nothing_is(tmp_path: Path, isolated: bool) -> None:
    result = run(toolbox(tmp_path, AGENTS, isolated=isolated), "get_weather", {"city": "Rome"})
    assert json.loads(result.output) == {"city": "Rome", "call": '{"city": "Rome"}'}
    assert (result.status, result.prints) == ("ok", "asking for get_weather\n")


def test_an_exception_that_openai_agents_would_hide_is_told(tmp_path: Path) -> None:
    tools = toolbox(tmp_path, AGENTS)
    assert error_of(run(tools, "get_weather", {"city": "Nowhere"}))["message"] == "ValueError: no such city"
    assert run(tools, "polite", {"city": "Nowhere"}).output == "sorry: no such city"


LANGCHAIN = """
    import asyncio
    class Schema:
        @classmethod
        def model_json_schema(cls):
            return {'description': 'Search.', 'type': 'object', 'title': 'search',
                    'properties': {'query': {'type': 'string', 'title': 'Query'}}, 'required': ['query']}
    class StructuredTool:
        args_schema = Schema
        func = coroutine = None
        def __init__(self, name, **keys):
            self.name, self.description = name, '''Search notes.

                Args:
                    query: words
            '''
            vars(self).update(keys)
        @property
        def tool_call_schema(self):
            return self.args_schema
        def invoke(self, values):
            if self.func is None:
                raise NotImplementedError
            return self.func(**values)
        async def ainvoke(self, values):
            await asyncio.sleep(0)
            return await self.coroutine(**values)
    async def later(query):
        return query + ' later'
    search = StructuredTool('search', func=lambda query: [query])
    search_later = StructuredTool('search_later', coroutine=later)
    class OnlyLater(StructuredTool):
        async def ainvoke(self, values):
            return 'only later'
    only_later = OnlyLater('only_later')
    by_dict = StructuredTool('by_dict', func=lambda k: k, args_schema={'type': 'object', 'properties': {'k': {}}})
    single = StructuredTool('single', func=lambda tool_input: tool_input.upper(), args_schema=None,
                            args={'tool_input': {'type': 'string'}})
    """


def test_the_tools_of_langchain_load_and_run_by_their_sync_or_async_side(tmp_path: Path) -> None:
    tools = tools_of(tmp_path, LANGCHAIN)
    assert list(tools) == ["search", "search_later", "only_later", "by_dict", "single"]
    assert tools["search"].spec.description == "Search notes.\n\nArgs:\n    query: words"
    assert tools["search"].spec.parameters == {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
    }
    assert tools["single"].spec.parameters["required"] == ["tool_input"]
    box = LocalToolbox(tools.values())
    asked = [("search", {"query": "x"}), ("search_later", {"query": "x"}), ("only_later", {"query": "x"})]
    asked += [("by_dict", {"k": "v"}), ("single", {"tool_input": "x"})]
    assert [run(box, name, arguments).output for name, arguments in asked] == [
        '["x"]',
        "x later",
        "only later",
        "v",
        "X",
    ]


PYDANTIC_AI = """
    import dataclasses, json
    from typing import Any
    @dataclasses.dataclass
    class RunContext:
        deps: Any
        model: Any
        usage: Any
    class Validator:
        def validate_json(self, text):
            return json.loads(text)
    @dataclasses.dataclass
    class FunctionSchema:
        function: Any
        json_schema: dict
        validator: Any = dataclasses.field(default_factory=Validator)
        async def call(self, values, context):
            return self.function(context, **values)
    class Tool:
        def __init__(self, name, function, takes_ctx=False, **keys):
            self.name, self.description, self.takes_ctx = name, None, takes_ctx
            self.strict, self.requires_approval, self.timeout = None, False, None
            schema = {'type': 'object', 'properties': {'q': {'type': 'string'}}}
            self.function_schema = FunctionSchema(function, schema)
            vars(self).update(keys)
    def plain(context, q): return [q, context is None]
    def with_context(context, q): return [q, context.deps is None]
    class FunctionToolset:
        def __init__(self, *tools): self.tools = {tool.name: tool for tool in tools}
    toolset = FunctionToolset(Tool('one', plain, requires_approval=True, timeout=3), Tool('two', with_context, True))
    class Agent:
        @property
        def toolsets(self):
            return [FunctionToolset(Tool('three', plain)), object()]
    agent = Agent()
    four = Tool('four', plain, strict=True)
    """


@pytest.mark.parametrize("isolated", [False, True])
def test_the_tools_of_pydantic_ai_load_from_toolsets_and_agents_too(tmp_path: Path, isolated: bool) -> None:
    tools = tools_of(tmp_path, PYDANTIC_AI)
    assert list(tools) == ["one", "two", "three", "four"]
    assert (tools["one"].spec.approve, tools["one"].timeout, tools["four"].spec.strict) == ("ask", 3.0, True)
    box = toolbox(tmp_path, PYDANTIC_AI, isolated=isolated)
    assert [run(box, name, {"q": name}).output for name in tools] == [
        '["one",true]',
        '["two",true]',
        '["three",true]',
        '["four",true]',
    ]


LLM = """
    import dataclasses, inspect
    from typing import Any
    @dataclasses.dataclass
    class Tool:
        name: str
        description: str | None
        input_schema: dict
        implementation: Any
    @dataclasses.dataclass
    class ToolOutput:
        output: Any
        attachments: list
    class _Toolbox:
        prepared = False
        def prepare(self): self.prepared = True
        @classmethod
        def method_tools(cls): return []
        def tools(self):
            for name in ('up', 'attached', 'later'):
                method = getattr(self, name)
                schema = {'type': 'object', 'properties': {}}
                yield Tool(f'{type(self).__name__}_{name}', method.__doc__, schema, method)
    class Counter(_Toolbox):
        n = 0
        def up(self):
            'Count.'
            self.n += 1
            return [self.n, self.prepared]
        def attached(self): return ToolOutput('words', ['image'])
        async def later(self): return ToolOutput('later', [])
    """


def test_a_toolbox_of_llm_keeps_what_it_counts(tmp_path: Path) -> None:
    for ending in ("counter = Counter()\n", "", "TOOLS = [Counter]\n"):
        box = toolbox(tmp_path / (ending[:3] or "class"), _with(LLM, ending))
        assert [run(box, "Counter_up").output for _ in range(2)] == ["[1,true]", "[2,true]"]
        assert [run(box, name).output for name in ("Counter_attached", "Counter_later")] == ["words", "later"]


def _with(source: str, ending: str) -> str:
    return textwrap.dedent(source) + ending


def test_a_plugin_of_llm_offers_what_its_hook_registers(tmp_path: Path) -> None:
    ending = """
def helper(): pass
def shout(text: str) -> str:
    return text.upper()
def register_tools(register):
    register(shout)
    register(shout, name='yell')
    register(Tool('lookup', 'd', {'type': 'object', 'properties': {'k': {}}}, lambda k: k), name='find')
    register(Counter)
register_tools.llm_impl = {}
"""
    tools = tools_of(tmp_path, _with(LLM, ending))
    assert list(tools) == ["shout", "yell", "find", "Counter_up", "Counter_attached", "Counter_later"]
    box = LocalToolbox(tools.values())
    assert [run(box, "yell", {"text": "a"}).output, run(box, "find", {"k": "v"}).output] == ["A", "v"]


def test_a_toolbox_that_needs_arguments_is_refused_with_what_to_do(tmp_path: Path) -> None:
    source = _with(LLM, "class Files(_Toolbox):\n    def __init__(self, root): pass\n")
    message = refusal(write(tmp_path, "m.py", source))
    assert message.startswith("Files cannot be made without arguments (")
    assert message.endswith("make one in the module: toolbox = Files(…).")


WATSONX = """
    import enum, json
    from types import SimpleNamespace
    class ToolPermission(str, enum.Enum):
        READ_ONLY = 'read_only'
        ADMIN = 'admin'
    class Schema(dict):
        def model_dump(self, mode, exclude_unset, by_alias): return dict(self)
    class AgentRun: pass
    class PythonTool:
        def __init__(self, fn, permission=ToolPermission.READ_ONLY, run=None):
            self.fn, self.permission, self.run = fn, permission, run
        def __call__(self, *args, **kwargs): raise SystemError('called by the wrong door')
        def get_run_param(self): return self.run
        @property
        def __tool_spec__(self):
            properties = {name: {'type': 'string', 'title': name.title()} for name in self.fn.__annotations__}
            schema = Schema(type='object', properties=properties, required=list(properties))
            says = {'description': 'Does it.\\n', 'permission': self.permission, 'input_schema': schema}
            return SimpleNamespace(name=f'wx_{self.fn.__name__}', **says)
    def tool(**keys): return lambda fn: PythonTool(fn, **keys)
    @tool()
    def weather(city: str): return {'city': city}
    @tool(permission=ToolPermission.ADMIN)
    async def later(q: str): return q + '!'
    @tool(run='context')
    def with_context(context: AgentRun, q: str): return q + type(context).__name__
    """


@pytest.mark.parametrize("isolated", [False, True])
def test_the_tools_of_watsonx_orchestrate_load_and_ask_where_they_may_do_more_than_read(
    tmp_path: Path, isolated: bool
) -> None:
    tools = tools_of(tmp_path, WATSONX)
    assert {name: tool.spec.approve for name, tool in tools.items()} == {
        "wx_weather": None,
        "wx_later": "ask",
        "wx_with_context": None,
    }
    assert tools["wx_weather"].spec.description == "Does it."
    assert tools["wx_with_context"].spec.parameters == {
        "type": "object",
        "properties": {"q": {"type": "string"}},
        "required": ["q"],
    }
    box = toolbox(tmp_path, WATSONX, isolated=isolated)
    assert run(box, "wx_weather", {"city": "Rome"}).output == '{"city":"Rome"}'
    assert run(box, "wx_later", {"q": "x"}).output == "x!"
    assert run(box, "wx_with_context", {"q": "x"}).output == "xAgentRun"


def test_a_tools_file_may_name_a_tool_of_a_framework(tmp_path: Path) -> None:
    write(tmp_path, "m.py", WATSONX)
    text = 'tools: [{name: mine, description: My words., run: {python: "m.py:later"}}]'
    (tool,) = load_tools([write(tmp_path, "tools.yaml", text)]).tools
    assert (tool.spec.description, tool.spec.approve, list(tool.spec.parameters["properties"])) == (
        "My words.",
        "ask",
        ["q"],
    )
    assert run(LocalToolbox([tool]), "mine", {"q": "x"}).output == "x!"


def test_a_tools_file_cannot_name_a_collection_as_a_function(tmp_path: Path) -> None:
    write(tmp_path, "m.py", PYDANTIC_AI)
    path = write(tmp_path, "tools.yaml", 'tools: [{name: a, run: {python: "m.py:toolset"}}]')
    assert "m.py:toolset holds several tools; name its module under `modules`." in refusal(path)


def test_what_a_framework_says_gives_way_to_what_the_file_says(tmp_path: Path) -> None:
    write(tmp_path, "m.py", PYDANTIC_AI)
    path = write(tmp_path, "tools.yaml", "defaults: {timeout: 9, approve: never}\nmodules: [m.py]\n")
    tool = load_tools([path]).tools[0]
    assert (tool.timeout, tool.spec.approve) == (9.0, "never")


def test_a_framework_that_cannot_describe_its_tool_is_refused_by_name(tmp_path: Path) -> None:
    source = WATSONX.replace("return dict(self)", "raise ValueError('no schema')")
    message = refusal(write(tmp_path, "m.py", source))
    assert (
        message.startswith("PythonTool: its "),
        message.endswith(" cannot describe it: ValueError: no schema."),
    ) == (
        True,
        True,
    )


def test_a_toolbox_that_breaks_while_it_is_made_ready_is_refused_by_name(tmp_path: Path) -> None:
    source = _with(LLM, "class Broken(_Toolbox):\n    def prepare(self): raise OSError('no disk')\n")
    assert "Broken: cannot be made ready: OSError: no disk." in refusal(write(tmp_path, "m.py", source))


def test_objects_that_seem_to_have_every_member_are_no_tools(tmp_path: Path) -> None:
    source = """
        from unittest.mock import MagicMock
        class Proxy:
            def __getattr__(self, name):
                raise SystemError(name)
        mock, proxy = MagicMock(), Proxy()
        def greet() -> str:
            return 'hi'
        """
    assert list(tools_of(tmp_path, source)) == ["greet"]


def test_looking_for_tools_of_frameworks_imports_none_of_them(tmp_path: Path) -> None:
    import sys

    tools_of(tmp_path, "def greet() -> str:\n    return 'hi'\n")
    found: Any = {"agents", "langchain_core", "pydantic_ai", "ibm_watsonx_orchestrate"} & set(sys.modules)
    assert found == set()
