#!/usr/bin/env bash
# django-q2 1.11.1 with Django 5.2.19: with `save_limit: -1` a chain ends after its first task.
#
# One would expect: `save_limit` says how many successes are kept in the database, and -1 keeps
# none. What a chain does next has nothing to do with what is kept of the link before.
# Instead: the function that saves a success also sends the next link, and returns before both when
# there is nothing to save. The first task succeeds, the second never runs; no error, no log line.
# Why it matters: turning off a table that nobody reads turns off work.
# In the product: config/settings.py has -1, because the rows of operations are the record; so work
# that follows work is a row of its own too, and operations/dispatch.py sends single wake-ups, no
# chains, groups or hooks.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    django-q2==1.11.1 Django==5.2.19

cat >"$work/steps.py" <<'PYTHON'
"""The tasks: each notes in a file that it ran."""


def step(name, notes):
    with open(notes, "a") as file:
        file.write(name + "\n")
PYTHON

cat >"$work/run_chain.py" <<'PYTHON'
"""Run a chain of three in a real cluster with the given save_limit; print what ran."""
import os
import sys
import tempfile
import time
from pathlib import Path

import django
from django.conf import settings

save_limit = int(sys.argv[1])
directory = tempfile.mkdtemp(dir=os.path.dirname(__file__))
settings.configure(
    SECRET_KEY="not-a-secret",
    INSTALLED_APPS=["django_q"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": f"{directory}/db.sqlite3",
            "OPTIONS": {"transaction_mode": "IMMEDIATE"},
        }
    },
    USE_TZ=True,
    Q_CLUSTER={
        "name": "finding", "orm": "default", "workers": 1, "poll": 0.1, "timeout": 20,
        "retry": 60, "max_attempts": 1, "save_limit": save_limit, "log_level": "WARNING",
    },
)
django.setup()

from django.core.management import call_command
from django_q.cluster import Cluster
from django_q.models import Failure, OrmQ
from django_q.tasks import async_chain

call_command("migrate", verbosity=0)
notes = Path(directory, "notes")
notes.touch()
async_chain([("steps.step", (name, str(notes))) for name in ("first", "second", "third")])
cluster = Cluster()
cluster.start()
quiet_since = time.monotonic()
seen = None
while time.monotonic() - quiet_since < 4:  # until nothing has happened for 4 s
    time.sleep(0.1)
    now = (notes.read_text(), OrmQ.objects.count())
    if now != seen:
        seen, quiet_since = now, time.monotonic()
cluster.stop()
print(" ".join(notes.read_text().split()), "| messages left:", OrmQ.objects.count(),
      "| failures:", Failure.objects.count())
PYTHON

cd "$work"
venv/bin/python run_chain.py 250 >kept &
beside=$!
unkept=$(venv/bin/python run_chain.py -1)
wait "$beside"
kept=$(<kept)
venv/bin/pip freeze | grep -iE '^(django|django-q2)=='
echo "save_limit 250: ran $kept"
echo "save_limit  -1: ran $unkept"

expect() { # what was seen, what is expected, the statement
    if [ "$1" != "$2" ]; then
        echo "NOT SO (any more): $3" >&2
        exit 1
    fi
    echo "seen: $3"
}
expect "$kept" "first second third | messages left: 0 | failures: 0" \
    "a chain of three runs when successes are kept"
expect "$unkept" "first | messages left: 0 | failures: 0" \
    "with save_limit -1 it ends after the first task, and nothing tells of it"
