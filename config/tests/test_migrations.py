"""The gate's look at migrations finds what is not safe while people work, and passes what is."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from operations.tests.private_postgresql import PrivatePostgreSQL
from operations.tests.worker import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

SETTINGS = """
from config.tests.lint_settings import *
INSTALLED_APPS = [*INSTALLED_APPS, "seeded"]
"""
MIGRATION = """
from django.db import migrations, models
from django.db.migrations import *
from operations.database.online import AddIndexOnline

class Migration(migrations.Migration):
    atomic = {atomic}
    dependencies = {dependencies}
    operations = [{operation}]
"""
KEY = '("id", models.BigAutoField(primary_key=True))'
TEXT = 'models.TextField(default="")'
INDEX = 'models.Index(fields=["text"], name="by_text")'

SEEDED = {
    "begin": f'CreateModel("Note", [{KEY}, ("text", {TEXT}), ("old", {TEXT})])',
    "not_null": f'AddField("note", "more", {TEXT})',
    "renamed": 'RenameField("note", "more", "other")',
    "dropped": 'RemoveField("note", "old")',
    "index_under_a_lock": f'AddIndex("note", {INDEX})',
    "index_dropped": 'RemoveIndex("note", "by_text")',
    "one_way": "RunPython(lambda apps, schema_editor: None)",
    "may_be_empty": 'AddField("note", "hint", models.TextField(null=True))',
    "default_in_database": 'AddField("note", "n", models.IntegerField(default=0, db_default=0))',
    "another_table": f'CreateModel("Tag", [{KEY}, ("text", models.TextField(db_index=True))])',
    "index_online": f'AddIndexOnline("note", {INDEX})',
}
NAMES = {each: f"{number:04}_{each}" for number, each in enumerate(SEEDED, start=1)}
UNSAFE = {"not_null", "renamed", "dropped", "index_under_a_lock", "one_way"}

WRITE = "INSERT INTO seeded_note (text, other) VALUES ('a', 'b')"
WAITS = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INDEX%'"
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_text'::regclass"

Manage = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgreSQL]:
    with PrivatePostgreSQL() as private:
        yield private


@pytest.fixture
def manage(server: PrivatePostgreSQL, tmp_path: Path) -> Manage:
    """Commands for our apps and one more, whose migrations are SEEDED."""
    migrations = tmp_path / "seeded" / "migrations"
    migrations.mkdir(parents=True)
    (tmp_path / "seeded_settings.py").write_text(SETTINGS)
    for package in (migrations.parent, migrations):
        (package / "__init__.py").touch()
    before: list[tuple[str, str]] = []
    for name, operation in SEEDED.items():
        text = MIGRATION.format(
            atomic=name != "index_online", dependencies=before, operation=operation
        )
        (migrations / f"{NAMES[name]}.py").write_text(text)
        before = [("seeded", NAMES[name])]
    environment = {k: v for k, v in os.environ.items() if k != "INTERVIEW_PRACTICE_TESTS"} | {
        "PYTHONPATH": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "seeded_settings",
        "TEST_DATABASE_URL": server.url(),
    }

    def run(*arguments: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return run


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=60)
    return process.returncode, said


def test_what_is_unsafe_is_found_and_nothing_else(manage: Manage) -> None:
    code, said = end(manage("lintmigrations", "seeded", "--include-apps", "seeded"))

    verdicts = dict(re.findall(r"\(seeded, \d+_(\w+)\)\.\.\. (\w+)", said))
    assert verdicts == {name: "ERR" if name in UNSAFE else "OK" for name in SEEDED}, said
    assert code == 1


def test_index_is_built_while_others_write(manage: Manage, server: PrivatePostgreSQL) -> None:
    before, online = NAMES["another_table"], NAMES["index_online"]
    assert end(manage("migrate", "seeded", before))[0] == 0

    with psycopg.connect(server.url()) as busy:
        busy.execute(WRITE)
        building = manage("migrate", "seeded", online)
        wait_until(lambda: server.execute(WAITS), seconds=30)
        with psycopg.connect(server.url(), options="-c lock_timeout=2s") as person:
            person.execute(WRITE)
        assert building.poll() is None, "it waits for who was there before"
    assert end(building)[0] == 0
    assert server.execute(IS_VALID) == [(True,)]

    # As after one that was broken off: it is there, and nobody knows of it.
    assert end(manage("migrate", "--fake", "seeded", before))[0] == 0
    code, said = end(manage("migrate", "seeded", online))
    assert code == 0, said
    assert server.execute(IS_VALID) == [(True,)]


def test_index_is_built_on_sqlite_too(manage: Manage, tmp_path: Path) -> None:
    file = tmp_path / "seeded.sqlite3"

    code, said = end(manage("migrate", "seeded", TEST_DATABASE_URL=f"sqlite:///{file}"))

    assert code == 0, said
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT 1 FROM sqlite_master WHERE name = 'by_text'").fetchone()
