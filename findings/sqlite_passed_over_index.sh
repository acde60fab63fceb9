#!/usr/bin/env bash
# SQLite 3.54.1 (apsw 3.54.1.0): the planner passes over the partial index that answers the query.
#
# One would expect: `… WHERE status = 'pending' ORDER BY turn_at LIMIT 10` uses the index on turn_at
# that holds the pending rows alone: it has the rows and their order, ten steps and done.
# Instead: it takes a general index that begins with status, reads all rows that are pending and
# sorts them, for ten. Without statistics it guesses ten rows for an equality, and there are 10,000.
# Why it matters: a queue's claim gets slower with its backlog, just when it has to be fast. Whether
# ANALYZE has run on an installation is luck.
# In the product: operations/engine/due.py and operations/database/backlog.py name the index (INDEXED BY).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check apsw==3.54.1.0

"$work/venv/bin/python" - <<'PYTHON'
import sys

import apsw

TABLES = """
CREATE TABLE job (id INTEGER PRIMARY KEY, status TEXT NOT NULL, turn_at INTEGER NOT NULL,
                  next_try_at INTEGER, finished_at INTEGER);
CREATE INDEX job_due ON job (turn_at, id) WHERE status = 'pending';
CREATE INDEX job_ended ON job (status, finished_at);
"""
CLAIM = """
SELECT * FROM job {hint} WHERE status = 'pending' AND (next_try_at IS NULL OR next_try_at <= 5)
ORDER BY turn_at, id LIMIT 10
"""


def look(hint=""):
    """The rows, the plan, and how many of SQLite's instructions it took."""
    instructions = 0

    def count():
        nonlocal instructions
        instructions += 1
        return False

    plan = [row[3] for row in database.execute("EXPLAIN QUERY PLAN " + CLAIM.format(hint=hint))]
    database.set_progress_handler(count, 1)
    rows = list(database.execute(CLAIM.format(hint=hint)))
    database.set_progress_handler(None)
    print(f"{hint or 'as it likes':20} {instructions:7} instructions: {'; '.join(plan)}")
    return rows, plan, instructions


def expect(seen, statement):
    if not seen:
        sys.exit(f"NOT SO (any more): {statement}")
    print(f"seen: {statement}")


database = apsw.Connection(":memory:")
database.execute(TABLES)
with database:
    database.executemany(
        "INSERT INTO job (status, turn_at) VALUES (?, ?)",
        (("pending" if number % 2 else "completed", number) for number in range(20_000)),
    )

print("SQLite", apsw.sqlite_lib_version())
rows, plan, freely = look()
same_rows, named_plan, named = look("INDEXED BY job_due")

expect(rows == same_rows, "both ways give the same ten rows")
expect(
    any("job_ended" in step for step in plan) and any("ORDER BY" in step for step in plan),
    "left to itself, SQLite finds all pending rows by another index and sorts them",
)
expect(
    not any("ORDER BY" in step for step in named_plan),
    "told the index, it neither sorts nor reads on",
)
expect(freely > 100 * named, "that takes more than a hundred times as many instructions")
PYTHON
