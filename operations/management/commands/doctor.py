"""One line for each thing that an installation needs, with the remedy where it is missing."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.management.base import BaseCommand, CommandParser
from django.core.management.color import no_style
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from operations import openai_service, pauses, queries
from operations.clock import database_now
from operations.credentials import Credential, installation_credential
from operations.errors import OpenAIServiceError, rule_of
from operations.kinds import ProviderRequest

LEAST_PYTHON = (3, 11)
MOST_SKEW_SECONDS = 2.0
MOST_LAG_SECONDS = 60.0
BROKER_SECONDS = 2.0

OK, WARNING, FAILED = "ok", "warning", "failed"

QUESTION = ProviderRequest(
    kind="doctor",
    messages=({"role": "user", "content": "Answer with ok = true."},),
    schema={
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    },
    prompt_version="1",
)


@dataclass(frozen=True)
class Finding:
    check: str
    result: str
    found: str
    remedy: str = ""


class Command(BaseCommand):
    help = "Say what is wrong with this installation and how to mend it; exit 1 if anything is."
    requires_system_checks: list[str] = []  # they are one of the lines

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="data as JSON on stdout")
        parser.add_argument(
            "--no-call", action="store_true", help="do not send the one (paid) call to the provider"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if os.environ.get("NO_COLOR"):
            self.style = no_style()
        findings = list(examined(call=not options["no_call"]))
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in findings]))
        else:
            for finding in findings:
                self._write(finding)
        if any(finding.result == FAILED for finding in findings):
            sys.exit(1)

    def _write(self, finding: Finding) -> None:
        paint = {
            OK: self.style.SUCCESS,
            WARNING: self.style.WARNING,
            FAILED: self.style.ERROR,
        }[finding.result]
        remedy = f" → {finding.remedy}" if finding.remedy else ""
        line = f"{finding.result:<8} {finding.check}: {finding.found}{remedy}"
        self.stdout.write(paint(line) if self.stdout.isatty() else line)


def examined(*, call: bool) -> list[Finding]:
    """Without a database nothing that reads it is asked: one cause, one line."""
    findings = [python(), settings_check(), database()]
    needs_database: list[Callable[[], Finding]] = [migrations, broker, workers, clock]
    if findings[-1].result == OK:
        findings += _in_order(needs_database)
    findings.append(provider(call=call))
    return findings


def _in_order(steps: list[Callable[[], Finding]]) -> list[Finding]:
    findings = []
    for step in steps:
        findings.append(step())
        if step is migrations and findings[-1].result == FAILED:
            break
    return findings


def python() -> Finding:
    version = platform.python_version()
    if sys.version_info[:2] < LEAST_PYTHON:
        return Finding("python", FAILED, version, "Install Python 3.11 or newer.")
    return Finding("python", OK, version)


def settings_check() -> Finding:
    """Django's and our own system checks; the environment was read before this could run."""
    messages = [each for each in checks.run_checks() if not each.is_silenced()]
    if not messages:
        return Finding("settings", OK, "nothing to say")
    worst = max(messages, key=lambda message: message.level)
    result = FAILED if worst.level >= checks.ERROR else WARNING
    more = f" (and {len(messages) - 1} more: manage.py check)" if len(messages) > 1 else ""
    return Finding("settings", result, f"{worst.msg}{more}", str(worst.hint or ""))


def database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        remedy = "Check DATABASE_URL, and that the server runs and lets this user in."
        return Finding("database", FAILED, f"unreachable ({type(error).__name__})", remedy)
    return Finding("database", OK, connection.vendor)


def migrations() -> Finding:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return Finding("migrations", FAILED, f"{len(missing)} missing", "manage.py migrate")
    return Finding("migrations", OK, "all applied")


def broker() -> Finding:
    if not settings.REDIS_URL:
        return Finding("broker", OK, "the database itself")
    address = urlsplit(settings.REDIS_URL)
    try:
        place = (address.hostname, address.port or 6379)
        socket.create_connection(place, timeout=BROKER_SECONDS).close()
    except OSError as error:
        remedy = "Check REDIS_URL and the server; meanwhile workers start by their sweep alone."
        return Finding("broker", FAILED, f"unreachable ({type(error).__name__})", remedy)
    return Finding("broker", OK, "Redis answers")


def workers() -> Finding:
    health = queries.worker_health()
    if not health.workers:
        remedy = "Start manage.py operations_worker; answers are saved and wait."
        return Finding("workers", FAILED, f"none is alive, {health.due} operations wait", remedy)
    lag = (
        f"{health.workers} alive, the oldest due operation waits {health.oldest_due_seconds:.0f} s"
    )
    if health.oldest_due_seconds > MOST_LAG_SECONDS:
        remedy = "Raise OPERATIONS_WORKERS or OPERATIONS_CONCURRENCY, or read the worker's log."
        return Finding("workers", WARNING, lag, remedy)
    return Finding("workers", OK, lag)


def clock() -> Finding:
    """Leases are counted by the database's clock; log lines carry this host's."""
    skew = abs((database_now() - timezone.now()).total_seconds())
    if skew > MOST_SKEW_SECONDS:
        remedy = "Set both clocks by NTP: log times and the ledger's do not fit together."
        return Finding("clock", WARNING, f"{skew:.1f} s off the database's", remedy)
    return Finding("clock", OK, f"{skew:.1f} s off the database's")


def provider(*, call: bool) -> Finding:
    try:
        credential = installation_credential()
    except OpenAIServiceError as error:
        return _refused(error)
    if credential.simulated:
        remedy = "Set OPENAI_API_KEY for real answers."
        return Finding("provider", OK, "simulated: answers are made up and labelled so", remedy)
    if not call:
        return Finding("provider", OK, f"{credential.label}, not called")
    return _called(credential)


def _called(credential: Credential) -> Finding:
    try:
        reply = asyncio.run(_ask(credential))
    except OpenAIServiceError as error:
        return _refused(error)
    is_paused = credential.label in _paused()
    found = f"{reply.model} answers at {credential.label}"
    if is_paused:
        return Finding("provider", WARNING, f"{found}, but is paused", "manage.py resume_provider")
    return Finding("provider", OK, found)


def _paused() -> set[str]:
    try:
        return pauses.paused_credentials()
    except DatabaseError:  # has a line of its own
        return set()


async def _ask(credential: Credential) -> Any:
    try:
        return await openai_service.ask(
            QUESTION, credential=credential, timeout_seconds=settings.OPENAI_TIMEOUT_SECONDS
        )
    finally:
        await openai_service.close()


def _refused(error: OpenAIServiceError) -> Finding:
    status = f", HTTP {error.http_status}" if error.http_status else ""
    remedy = rule_of(error.error_code).remedy
    return Finding("provider", FAILED, f"{error.error_code}{status}", remedy)
