from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.db import close_old_connections, connection

BASE_DIR = Path(__file__).resolve().parents[2]


def run_python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: settings are read once per process."""
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        **variables,
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "arguments",
    [("manage.py", "check"), ("manage.py", "up"), ("-c", "import config.wsgi")],
    ids=["any command", "up", "the web server's import"],
)
def test_bad_environment_ends_every_start_with_exit_code_2_and_no_traceback(
    arguments: tuple[str, ...],
) -> None:
    ended = run_python(*arguments, DJANGO_DEBUG="true", PORT="eighty")

    assert ended.returncode == 2
    assert ended.stderr.startswith("PORT is not a whole number")
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_process_environment_wins_over_the_env_file(tmp_path: Path) -> None:
    env_file = tmp_path / "env"
    env_file.write_text("DJANGO_DEBUG=true\nOPENAI_MODEL=from-file\nPORT=8123\n")

    ended = run_python(
        "-c",
        "from django.conf import settings; print(settings.OPENAI_MODEL, settings.PORT)",
        ENV_FILE=str(env_file),
        OPENAI_MODEL="from-process",
    )

    assert ended.stdout.split() == ["from-process", "8123"], ended.stderr


def test_web_processes_never_load_the_sdk() -> None:
    """It costs half a second and 50 MB in every process that only serves pages."""
    ended = run_python(
        "-c",
        "import sys, config.wsgi; from django.urls import get_resolver; "
        "get_resolver().url_patterns; print(sorted({'openai', 'httpx2'} & set(sys.modules)))",
        DJANGO_DEBUG="true",
    )

    assert ended.stdout.strip() == "[]", ended.stderr


@pytest.mark.django_db
def test_sqlite_waits_for_its_lock_and_survives_a_power_cut() -> None:
    if connection.vendor != "sqlite":
        assert settings.DATABASES["default"]["CONN_HEALTH_CHECKS"]
        return
    with connection.cursor() as cursor:
        values = {
            pragma: cursor.execute(f"PRAGMA {pragma}").fetchone()[0]
            for pragma in ("journal_mode", "synchronous", "busy_timeout")
        }

    assert values == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 20000}
    assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


@pytest.mark.django_db(transaction=True)
def test_connection_outlives_its_request() -> None:
    connection.close()
    connection.ensure_connection()
    opened = connection.connection

    close_old_connections()  # as at the end of each request

    assert connection.connection is opened


def test_request_never_shares_a_transaction_with_the_row_that_records_its_failure() -> None:
    assert settings.DATABASES["default"]["ATOMIC_REQUESTS"] is False


def test_queue_never_offers_a_message_again_while_it_may_still_run() -> None:
    cluster = settings.Q_CLUSTER

    waits_in_line = cluster["queue_limit"] / cluster["workers"] + 1
    assert cluster["retry"] > cluster["timeout"] * waits_in_line
    assert cluster["timeout"] > settings.OPERATIONS_DEADLINE_SECONDS
    assert (cluster["max_attempts"], cluster["ack_failures"]) == (1, True)
    assert cluster["guard_cycle"] in (0.5, 1)


def test_static_files_have_plain_names_until_they_are_collected() -> None:
    assert storages["staticfiles"].url("admin/css/base.css").endswith("admin/css/base.css")
