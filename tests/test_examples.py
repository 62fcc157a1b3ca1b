"""The examples: what each README says runs as pasted, and says what it should."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from how_many import all_of_them
from warm_commands import program

EXAMPLES = Path(__file__).parent.parent / "examples"
SAID = {
    "files": ['["garden.md","trips.md"]', "the train leaves at 7:12", "that is refused", "The roses want to be cut"],
    "timezones": ['"zone":"Asia/Tokyo"', '"2026-11-21 03:00"', "did you mean Europe/Rome?", "call_1 ok after"],
    "sqlite": ["CREATE TABLE sale", '[["black tea",80],["teapot",6]]', "readonly database", "rows 5, complete true"],
    "http": [
        '{"black tea": 80, "teapot": 6}',
        '{"product":"green tea","amount":3}',
        "only 6 of teapot are left",
        "product green tea, stock 120",
    ],
    "commands": ["sh '$(reboot)'", " callscope\n", "count_lines · call_1 ok after"],
    "mcp": [
        "shopping__add_item ",
        "progress 1 of 2: asking for bread",
        'tools/call add_item {"item": "tea"}',
        "milk 1, bread 2",
    ],
    "openapi": [
        "orderProduct ",
        '{"product": "green tea", "stock": 120}',
        '{"product":"teapot","amount":1}',
        "product teapot, stock 6",
    ],
}
pytestmark = [
    pytest.mark.skipif(shutil.which("bash") is None, reason="the commands are pasted into bash"),
    pytest.mark.timeout(180),
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy, for the examples may leave files beside them."""
    folder = tmp_path / "checkout"
    shutil.copytree(EXAMPLES, folder / "examples", ignore=shutil.ignore_patterns("__pycache__", "shop.db*"))
    return folder


def commands(example: str) -> list[str]:
    text = (EXAMPLES / example / "README.md").read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


def pasted(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    places = [str(Path(sys.executable).parent), os.environ["PATH"]]
    if not all_of_them():
        (bin_folder := folder.parent / "bin").mkdir(exist_ok=True)
        places.insert(0, str(program(bin_folder).parent))
    shell = ["bash", "-e", "-o", "pipefail", "-c", script]
    return subprocess.run(
        shell,
        cwd=folder,
        env={**os.environ, "PATH": os.pathsep.join(places)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=170,
        check=False,
    )


@pytest.mark.parametrize("example", SAID)
def test_the_commands_of_a_readme_run_as_pasted(example: str, checkout: Path) -> None:
    ran = pasted("\n".join(commands(example)), checkout)
    assert ran.returncode == 0, ran.stdout
    assert [words for words in SAID[example] if words not in ran.stdout] == [], ran.stdout


@pytest.mark.parametrize("example", SAID)
def test_each_example_is_called_by_hand_and_by_the_demo_agent(example: str) -> None:
    lines = commands(example)
    assert any("callscope call " in line for line in lines)
    assert any("callscope ask --demo " in line for line in lines)
    assert all(f"--tools examples/{example}/tools.yaml" in line for line in lines)


@pytest.mark.parametrize("example", SAID)
def test_the_lint_finds_nothing_to_complain_of_in_an_example(example: str, checkout: Path) -> None:
    ran = pasted(f"callscope tools lint --tools examples/{example}/tools.yaml", checkout)
    assert ran.returncode == 0, ran.stdout
    assert "0 errors, 0 warnings" in ran.stdout


def test_the_list_of_examples_is_whole() -> None:
    listed = re.findall(r"^\| \[(\w+)\]\(\1\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(
        path.name for path in EXAMPLES.iterdir() if (path / "README.md").exists() or path.name == "local"
    )
    assert set(listed) == {*SAID, "local"}


# ---- safe by design -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["../tools.yaml", "/etc/passwd", "link/tools.yaml", ".."])
def test_no_path_leads_out_of_the_notes(checkout: Path, path: str) -> None:
    (checkout / "examples" / "files" / "notes" / "link").symlink_to(checkout / "examples" / "files")
    ran = pasted(f"callscope call read_file path={path} --tools examples/files/tools.yaml", checkout)
    assert ran.returncode == 1
    assert "is not among the notes" in ran.stdout


def test_listing_and_searching_stay_within_the_notes(checkout: Path) -> None:
    (checkout / "examples" / "files" / "notes" / "link").symlink_to(checkout / "examples" / "files" / "files.py")
    ran = pasted("callscope call list_files 'pattern=../**/*' --tools examples/files/tools.yaml", checkout)
    assert "files.py" not in ran.stdout
    assert "link" not in pasted("callscope call list_files --tools examples/files/tools.yaml", checkout).stdout


def test_a_note_is_written_once_and_never_over_another(checkout: Path) -> None:
    write = "callscope call write_file path=new/a.md text=hello --tools examples/files/tools.yaml"
    assert [pasted(write, checkout).returncode for _ in range(2)] == [0, 1]
    assert (checkout / "examples" / "files" / "notes" / "new" / "a.md").read_text(encoding="utf-8") == "hello"


@pytest.mark.parametrize(
    "sql", ["DELETE FROM product", "ATTACH 'other.db' AS other", "PRAGMA user_version = 5", "VACUUM INTO 'copy.db'"]
)
def test_a_question_to_the_shop_changes_nothing(checkout: Path, sql: str) -> None:
    ran = pasted(f'callscope call query sql="{sql}" --tools examples/sqlite/tools.yaml', checkout)
    assert ran.returncode == 1, ran.stdout
    assert sorted(path.name for path in checkout.iterdir()) == ["examples"]


def test_a_change_of_the_shop_is_kept(checkout: Path) -> None:
    change = 'callscope call change sql="UPDATE product SET stock = 0" --tools examples/sqlite/tools.yaml'
    assert pasted(change, checkout).stdout == "3 rows changed\n"
    count = 'callscope call query sql="SELECT sum(stock) FROM product" --tools examples/sqlite/tools.yaml'
    assert '"rows":[[0]]' in pasted(count, checkout).stdout


def test_what_changes_something_asks_even_where_all_else_may_run(checkout: Path) -> None:
    for example, call in (("files", "write_file path=a.md text=b"), ("sqlite", 'change sql="DELETE FROM sale"')):
        ask = f"callscope ask --demo --approve always --tools examples/{example}/tools.yaml '{call}'"
        ran = pasted(ask, checkout)
        assert ran.returncode == 5, ran.stdout
    assert not (checkout / "examples" / "files" / "notes" / "a.md").exists()
