#!/usr/bin/env bash
# django-q2 1.11.1 with Django 5.2.19: tasks that wait while SECRET_KEY is rotated are deleted.
#
# One would expect: the old key moves to SECRET_KEY_FALLBACKS, as Django's guide to rotation has it,
# and what was signed with it stays valid: sessions, links, and the tasks in the queue.
# Instead: django-q2 checks its messages with SECRET_KEY alone. A message of yesterday's key is
# logged as a bad signature and deleted from the queue; no row says that the task failed, none that
# there was one.
# Why it matters: the one maintenance that is done for safety loses whatever was waiting.
# In the product: a message is a bare wake-up (operations/dispatch.py) and the work is a row, which
# operations/workers/supervisor.py rings for again; operations/tests/test_pathologies.py rotates the key.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    django-q2==1.11.1 Django==5.2.19

cat >"$work/steps.py" <<'PYTHON'
"""The task: it notes in a file that it ran."""


def step(notes):
    with open(notes, "a") as file:
        file.write("ran\n")
PYTHON

cat >"$work/project.py" <<'PYTHON'
"""`project.py send DIRECTORY` sends a task and signs a word with the old key. `run-with-old` runs a
cluster; `run-with-new` does so with the new key and the old one as a fallback."""
import sys
import time
from pathlib import Path

import django
from django.conf import settings

OLD, NEW = "the-key-of-yesterday", "the-key-of-today"
todo, here = sys.argv[1], Path(sys.argv[2]).resolve()
rotated = todo == "run-with-new"
notes, word = here / "notes", here / "word"
settings.configure(
    SECRET_KEY=NEW if rotated else OLD,
    SECRET_KEY_FALLBACKS=[OLD] if rotated else [],
    INSTALLED_APPS=["django_q"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(here / "db.sqlite3"),
            "OPTIONS": {"transaction_mode": "IMMEDIATE"},
        }
    },
    USE_TZ=True,
    Q_CLUSTER={
        "name": "finding", "orm": "default", "workers": 1, "poll": 0.1, "timeout": 20,
        "retry": 60, "max_attempts": 1, "log_level": "CRITICAL",
    },
)
django.setup()

from django.core import signing
from django.core.management import call_command
from django_q.cluster import Cluster
from django_q.models import OrmQ, Task
from django_q.tasks import async_task

if todo == "send":
    here.mkdir()
    notes.touch()
    call_command("migrate", verbosity=0)
    async_task("steps.step", str(notes))
    word.write_text(signing.dumps("Fjord Pay"))
else:
    cluster = Cluster()
    cluster.start()
    deadline = time.monotonic() + 15
    while OrmQ.objects.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    cluster.stop()
    print("ran", notes.read_text().count("ran"), "times | messages left:", OrmQ.objects.count(),
          "| task rows:", Task.objects.count(), "| signed word:", signing.loads(word.read_text()))
PYTHON

cd "$work"
{
    venv/bin/python project.py send one-key
    venv/bin/python project.py run-with-old one-key
} >kept &
beside=$!
venv/bin/python project.py send two-keys
after_rotation=$(venv/bin/python project.py run-with-new two-keys)
wait "$beside"
with_the_same_key=$(<kept)
venv/bin/pip freeze | grep -iE '^(django|django-q2)=='
echo "the same key:      $with_the_same_key"
echo "rotated meanwhile: $after_rotation"

expect() { # what was seen, what is expected, the statement
    if [ "$1" != "$2" ]; then
        echo "NOT SO (any more): $3" >&2
        exit 1
    fi
    echo "seen: $3"
}
expect "$with_the_same_key" \
    "ran 1 times | messages left: 0 | task rows: 1 | signed word: Fjord Pay" \
    "with one key the task runs and leaves a row"
expect "$after_rotation" \
    "ran 0 times | messages left: 0 | task rows: 0 | signed word: Fjord Pay" \
    "Django takes the old key's signature, django-q2 deletes the task and keeps no row of it"
