"""The commands below `callscope tools`, in Typer's words.

Knows their options. The doing is imported when a command runs. Annotations are no strings here, as in `app`.
"""

from typing import Annotated

import typer

from .flags import AsJson, Strict, ToolForms, Tools
from .leaving import leave

OneDialect = Annotated[str, typer.Option("--dialect", help="Protocol: chat (default), responses, acf (agents).")]

tools_app = typer.Typer(help="Look at tool definitions.", rich_markup_mode=None, no_args_is_help=True)


@tools_app.command("list")
def tools_list(tools: Tools = None, as_json: AsJson = False) -> None:
    """List the tools of the files, or of ./tools.yaml."""
    from callscope.commands import definitions

    definitions.list_tools(tools, as_json=as_json)


@tools_app.command("show")
def tools_show(name: Annotated[str, typer.Argument(help="The tool.")], tools: Tools = None) -> None:
    """Show one tool: where it is from, its policy, its parameters."""
    from callscope.commands import definitions

    definitions.show_tool(name, tools)


@tools_app.command("schema", short_help="Print the definitions as a request carries them.")
def tools_schema(
    name: Annotated[str | None, typer.Argument(help="The tool; all where missing.")] = None,
    tools: Tools = None,
    dialect: OneDialect = "chat",
    strict: Strict = None,
    tool_forms: ToolForms = None,
) -> None:
    """Print the definitions as a request carries them, in the dialect that is named; what it cannot say is told."""
    from callscope.commands import definitions

    definitions.print_schema(name, tools, dialect, strict=strict, forms=tool_forms or ())


@tools_app.command("lint", short_help="Check definitions for what models and servers refuse.")
def tools_lint(
    tools: Tools = None,
    provider: Annotated[str, typer.Option("--provider", help="openai, anthropic, gemini or mcp.")] = "openai",
    dialect: OneDialect = "chat",
    as_json: AsJson = False,
    fix: Annotated[bool, typer.Option("--fix", help="Mend in YAML files what needs no judgement.")] = False,
) -> None:
    """Check definitions before a model or a server stumbles over them; exit code 1 with an error (docs/lint.md)."""
    from callscope.commands import linter

    leave(linter.lint_tools(tools, provider, dialect, as_json=as_json, fix=fix))
