"""Questions to a database: reading cannot write, and writing is a tool of its own that asks."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DATABASE = Path(os.environ.get("SHOP") or HERE / "shop.db")
MOST_ROWS = 200
SECONDS = 5.0


def describe() -> str:
    """The tables and their columns, as SQL."""
    with opened("ro") as database:
        return "\n".join(row[0] for row in database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))


def query(sql: str) -> dict[str, Any]:
    """Answer a question to the shop's database; at most 200 rows.

    Args:
        sql: One SELECT statement of SQLite
    """
    with opened("ro") as database:
        cursor = database.execute(sql)
        rows = cursor.fetchmany(MOST_ROWS + 1)
        columns = [column[0] for column in cursor.description or ()]
    return {"columns": columns, "rows": rows[:MOST_ROWS], "complete": len(rows) <= MOST_ROWS}


def change(sql: str) -> str:
    """Change the shop's database.

    Args:
        sql: One INSERT, UPDATE or DELETE statement of SQLite
    """
    with opened("rw") as database, database:
        return f"{database.execute(sql).rowcount} rows changed"


@contextmanager
def opened(mode: str) -> Iterator[sqlite3.Connection]:
    """The database, made from shop.sql where there is none; in mode ro SQLite itself refuses to write."""
    if not DATABASE.exists():
        with closing(sqlite3.connect(DATABASE)) as database:
            database.executescript((HERE / "shop.sql").read_text(encoding="utf-8"))
    with closing(sqlite3.connect(f"{DATABASE.resolve().as_uri()}?mode={mode}", uri=True, timeout=SECONDS)) as database:
        database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # one SELECT reaches this file and no other
        yield database
