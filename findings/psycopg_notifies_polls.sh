#!/usr/bin/env bash
# psycopg 3.3.9: an AsyncConnection that waits in `notifies()` wakes its event loop ten times a
# second.
#
# One would expect: a coroutine that waits for the server sleeps until its socket has something to
# say, as asyncio makes it easy.
# Instead: it waits in steps of 0.1 s, so that Ctrl-C is noticed, which a loop notices by itself. A
# reader on the connection's descriptor with `pgconn.consume_input()` hears as much and sleeps.
# Why it matters: three quarters of the processor time of an idle worker went there.
# In the product: `_hear_notifications` in operations/engine/wakeups.py.
#
# Needs a PostgreSQL: DATABASE_URL, or one at 127.0.0.1:5432 that trusts its user postgres.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    "psycopg[binary]==3.3.9"

cat >"$work/wait.py" <<'PYTHON'
import asyncio
import os
import selectors

import psycopg

SECONDS = 3
DEFAULT = "postgresql://postgres@127.0.0.1:5432/postgres"


class Counting(selectors.DefaultSelector):
    returned = 0

    def select(self, timeout=None):
        ready = super().select(timeout)
        self.returned += 1
        return ready


async def by_notifies(connection):
    async for _ in connection.notifies():
        pass


async def by_reader(connection):
    came = asyncio.Event()
    asyncio.get_running_loop().add_reader(connection.fileno(), came.set)
    while True:
        await came.wait()
        came.clear()
        connection.pgconn.consume_input()
        while connection.pgconn.notifies():
            return True


async def count(waiting, selector):
    address = os.environ.get("DATABASE_URL", DEFAULT)
    connection = await psycopg.AsyncConnection.connect(address, autocommit=True)
    await connection.execute("LISTEN a_finding")
    before = selector.returned
    task = asyncio.create_task(waiting(connection))
    await asyncio.sleep(SECONDS)
    turns = selector.returned - before
    if waiting is by_reader:
        async with await psycopg.AsyncConnection.connect(address, autocommit=True) as other:
            await other.execute("NOTIFY a_finding")
        assert await asyncio.wait_for(task, 10), "the reader hears"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await connection.close()
    return turns


for waiting in (by_notifies, by_reader):
    selector = Counting()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        print(waiting.__name__, runner.run(count(waiting, selector)))
PYTHON

"$work/venv/bin/pip" freeze | grep -i '^psycopg'
turns=$("$work/venv/bin/python" "$work/wait.py")
echo "turns of the event loop in 3 s without a notification:"
echo "$turns"
notifies=$(awk '/by_notifies/ {print $2}' <<<"$turns")
reader=$(awk '/by_reader/ {print $2}' <<<"$turns")

expect() { # the condition, the statement
    if ! (($1)); then
        echo "NOT SO (any more): $2" >&2
        exit 1
    fi
    echo "seen: $2"
}
expect "$notifies >= 20" "notifies() wakes up about ten times a second"
expect "$reader <= 5" "a reader on the same connection sleeps, and hears"
