#!/usr/bin/env bash
# pytest-xdist 3.8.0 with pytest 9.2.0: `--dist loadgroup` groups nothing.
#
# One would expect: tests with one `xdist_group` mark run in one process, so that a fixture of the
# module is made once.
# Instead: the worker puts the group's name into `item._nodeid`, which pytest 9.2 reads no more; the
# tests are dealt out one by one, every process makes the fixture, and no warning says so.
# Why it matters: the suite is green and starts a browser and a server once for each process.
# In the product: conftest.py decides by the module in the id instead (`InTurn`).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    pytest==9.2.0 pytest-xdist==3.8.0

cat >"$work/test_group.py" <<'PYTHON'
import pathlib

import pytest

pytestmark = pytest.mark.xdist_group("together")


@pytest.mark.parametrize("number", range(8))
def test_notes_who_runs_it(number, worker_id):
    with open(pathlib.Path(__file__).with_name("notes"), "a") as notes:
        notes.write(worker_id + "\n")
PYTHON

cd "$work"
processes() { # how many have run a test of the group
    rm -f notes
    venv/bin/python -m pytest --quiet --numprocesses 2 "$@" test_group.py >/dev/null
    sort -u notes | wc -l
}
by_group=$(processes --dist loadgroup)
by_file=$(processes --dist loadfile)
venv/bin/pip freeze | grep -iE '^pytest(-xdist)?=='
echo "--dist loadgroup: the group ran in $by_group processes"
echo "--dist loadfile:  the same tests ran in $by_file"

expect() { # what was seen, what is expected, the statement
    if [ "$1" != "$2" ]; then
        echo "NOT SO (any more): $3" >&2
        exit 1
    fi
    echo "seen: $3"
}
expect "$by_file" 1 "tests of one file stay together with loadfile"
expect "$by_group" 2 "tests of one group do not stay together with loadgroup"
