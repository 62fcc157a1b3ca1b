"""What `tools lint` does: load, check, mend, show.

Knows how findings and costs are shown and what exit code they come to. Must not know Typer, nor any rule.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast, get_args

from callscope.compose import DEFAULT_TOOLS
from callscope.core.errors import UsageError
from callscope.core.json_text import json_line
from callscope.core.visible import visible
from callscope.dialects.registry import dialect_named
from callscope.linting.checking import lint
from callscope.linting.cost import Cost, cost_of
from callscope.linting.findings import RULES, Finding, Provider
from callscope.linting.fixing import fix_file
from callscope.record.secrets.masking import Secrets
from callscope.tools.loading import load_tools

BROKEN = 1
YAML = (".yaml", ".yml")


def lint_tools(paths: Sequence[Path] | None, provider: str, dialect: str, *, as_json: bool, fix: bool) -> int:
    """Check the tools of these files; 1 where a rule of severity error is broken."""
    if provider not in get_args(Provider):
        raise UsageError(f"--provider {provider}: write one of {', '.join(get_args(Provider))}.")
    dialect_named(dialect)
    files = list(paths or [DEFAULT_TOOLS])
    if fix:
        _fix(files)
    loaded = load_tools(files)
    without_run = [tool.spec.name for tool in loaded.tools if tool.implementation is None]
    secrets = Secrets([])
    findings = lint(
        loaded.specs,
        provider=cast("Provider", provider),
        dialect=dialect,
        without_run=without_run,
        holds_secret=lambda text: secrets.mask(text)[0] != text,
    )
    cost = cost_of(loaded.specs)
    (_print_json if as_json else _print_lines)(findings, cost)
    return BROKEN if any(one.severity == "error" for one in findings) else 0


def _fix(files: Sequence[Path]) -> None:
    for file in files:
        if file.suffix.lower() not in YAML:
            sys.stderr.write(f"callscope: {file}: --fix mends YAML files alone\n")
            continue
        for change in fix_file(file):
            sys.stderr.write(visible(f"mended {file}: {change}") + "\n")


def _print_json(findings: Sequence[Finding], cost: Cost) -> None:
    for one in findings:
        members = {"severity": one.severity, "rule": one.rule, "tool": one.tool or None, "path": one.path}
        _line({"event": "finding", **members, "message": one.message, "source": one.source or None})
    for name, tokens in cost.tokens.items():
        _line({"event": "cost", "tool": name, "tokens": tokens, "counted": cost.counted})
    counts = {severity: sum(one.severity == severity for one in findings) for severity in ("error", "warning", "info")}
    _line({"event": "ended", **counts, "tokens": cost.total, "counted": cost.counted})


def _line(members: dict[str, object]) -> None:
    sys.stdout.write(json_line(members) + "\n")


def _print_lines(findings: Sequence[Finding], cost: Cost) -> None:
    tool = None
    for one in findings:
        if one.tool != tool:
            tool = one.tool
            _print(f"{tool or 'all tools'}{f'  ({one.source})' if one.source else ''}")
        _print(f"  {one.severity:<8} {one.rule:<22} {one.path}: {one.message}")
    for severity in ("error", "warning", "info"):
        rules = sorted({one.rule for one in findings if one.severity == severity})
        for rule in rules:
            _print(f"  {rule}: {RULES[rule].reason}")
    _print("")
    _print_cost(cost)
    found = [(sum(one.severity == severity for one in findings), severity) for severity in ("error", "warning")]
    _print(f"{', '.join(_counted(*each) for each in found)} in {_counted(len(cost.tokens), 'tool')}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _print_cost(cost: Cost) -> None:
    kind = "tokens (o200k_base)" if cost.counted else "tokens, estimated (extra `tokens` counts them)"
    width = max((len(name) for name in cost.tokens), default=0)
    for name, tokens in sorted(cost.tokens.items(), key=lambda item: -item[1]):
        _print(f"  {name:<{width}}  {tokens:>7,}")
    _print(f"  {'all':<{width}}  {cost.total:>7,}  {kind}, in every request")


def _print(text: str) -> None:
    sys.stdout.write((visible(text) if sys.stdout.isatty() else text) + "\n")
