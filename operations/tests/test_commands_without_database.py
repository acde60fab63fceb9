"""A command that finds no database says so in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings


@pytest.mark.parametrize(
    "command", ["list_operations", "operation_stats", "operations_health", "rescue_operations"]
)
def test_command_without_a_database_is_one_sentence_and_exit_code_1(
    command: str, free_port: int
) -> None:
    url = f"postgres://postgres@127.0.0.1:{free_port}/practice"
    ended = subprocess.run(
        [sys.executable, "manage.py", command, "--json"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == "The database cannot be used at the moment (OperationalError).\n"
