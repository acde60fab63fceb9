#!/usr/bin/env bash
# psycopg 3.3.9: a statement with 51 parameters is parsed anew at each execution, one with 50 once.
#
# One would expect: the text of a statement is taken apart once and kept, whatever it binds.
# Instead: what binds more than 50 values, or is longer than 4096 characters, is not kept, and no
# documentation says so. In Python code a long statement is taken apart more slowly than PostgreSQL
# answers it.
# Why it matters: one more column, and a statement on the hot path costs its process twice as much.
# In the product: operations/database/batch_texts.py writes defaults and nulls into the text, so that
# what one operation writes stays below.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    "psycopg[binary]==3.3.9"

cat >"$work/parse.py" <<'PYTHON'
import cProfile
import pstats

from psycopg import _queries
from psycopg.adapt import Transformer

TIMES = 200


def parsed(count, text="SELECT "):
    """How often the text was taken apart in so many executions."""
    sql = text + ", ".join(["%s"] * count)
    profile = cProfile.Profile()
    for _ in range(TIMES):
        query = _queries.PostgresClientQuery(Transformer())
        profile.runcall(query.convert, sql, [1] * count)
    calls = pstats.Stats(profile).stats
    return sum(value[0] for key, value in calls.items() if key[2] == "_split_query")


print("50", parsed(50))
print("51", parsed(51))
print("long", parsed(1, "SELECT /* " + "x" * 4096 + " */ "))
PYTHON

"$work/venv/bin/pip" freeze | grep -i '^psycopg'
seen=$("$work/venv/bin/python" "$work/parse.py")
echo "how often a statement is taken apart in 200 executions, by its parameters:"
echo "$seen"

expect() { # the name, how often, the statement
    if ! grep -qx "$1 $2" <<<"$seen"; then
        echo "NOT SO (any more): $3" >&2
        exit 1
    fi
    echo "seen: $3"
}
expect 50 1 "with 50 parameters it is taken apart once"
expect 51 200 "with 51 it is taken apart each time"
expect long 200 "longer than 4096 characters likewise, with one parameter"
