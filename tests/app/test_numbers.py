"""Every option that takes seconds, or a factor, takes a number above 0 and says so of anything else."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from callscope.app.app import app

OPTIONS = [
    ("ask", "--timeout"),
    ("ask", "--connect-timeout"),
    ("ask", "--first-byte-timeout"),
    ("ask", "--idle-timeout"),
    ("call x", "--timeout"),
    ("doctor http://127.0.0.1:9", "--each"),
    ("doctor http://127.0.0.1:9", "--timeout"),
    ("doctor http://127.0.0.1:9", "--connect-timeout"),
    ("replay x", "--slower"),
    ("recordings shrink x", "--limit"),
]


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e400", "-1", "0", "-0.0"])
@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_what_is_no_number_above_0_is_a_usage_error(command: str, option: str, number: str) -> None:
    ran = CliRunner().invoke(app, [*command.split(), f"{option}={number}"])
    assert ran.exit_code == 2
    assert f"Invalid value for '{option}'" in ran.output
    assert "is no number above 0" in ran.output
