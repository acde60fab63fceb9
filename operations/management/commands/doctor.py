"""One line for each thing that an installation needs, with the remedy where it is missing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.management.base import BaseCommand, CommandParser
from django.core.management.color import no_style
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from operations import broker as redis_broker
from operations import capabilities, channels, encryption, openai_service, pauses
from operations.console import conditions, telling
from operations.console.health import health
from operations.credentials import Credential, installation_credential
from operations.database.clock import database_now
from operations.errors import OpenAIServiceError, rule_of
from operations.errors.operator_vocabulary import vocabulary_words
from operations.kinds import ProviderRequest
from operations.management.first_contact import FAILED, OK, WARNING, Finding, first_contact
from operations.models import OwnKey

LEAST_PYTHON = (3, 11)
MOST_SKEW_SECONDS = 2.0
MOST_LAG_SECONDS = 60.0

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


class Command(BaseCommand):
    help = "Say what is wrong with this installation and how to mend it; exit 1 if anything is."
    requires_system_checks: list[str] = []  # they are one of the lines

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="data as JSON on stdout")
        parser.add_argument(
            "--provider",
            action="store_true",
            help="only the provider: one tiny (paid) call in each form of a request",
        )
        parser.add_argument(
            "--no-call", action="store_true", help="do not send the one (paid) call to the provider"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if os.environ.get("NO_COLOR"):
            self.style = no_style()
        findings = contact() if options["provider"] else examined(call=not options["no_call"])
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
    needs_database: list[Callable[[], Finding]] = [
        migrations,
        broker,
        workers,
        clock,
        alerts,
        own_keys,
    ]
    if findings[-1].result == OK:
        findings += _in_order(needs_database)
    findings.append(provider(call=call))
    if settings.OPERATIONS_ERROR_VOCABULARY:
        findings.append(Finding("vocabulary", OK, vocabulary_words()))
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
    if fault := redis_broker.fault():
        remedy = "Check REDIS_URL and the server; meanwhile AI work starts late, or waits."
        return Finding("broker", FAILED, f"unusable ({fault})", remedy)
    return Finding("broker", OK, "Redis answers and takes writes")


def workers() -> Finding:
    now = health()
    if not now.workers:
        remedy = "Start manage.py operations_worker; answers are saved and wait."
        waits = f"none is alive, {now.due.words} operations wait"
        return Finding("workers", FAILED, waits, remedy)
    lag = f"{now.workers} alive, the oldest due operation waits {now.due.oldest_seconds:.0f} s"
    if now.due.oldest_seconds > MOST_LAG_SECONDS:
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


def alerts() -> Finding:
    """Whether anybody would be told, and whether somebody was of what is wrong now."""
    remedy = "Set ADMINS with EMAIL_URL, or ALERT_WEBHOOK_URL."
    names = ", ".join(channels.channels())
    if not names:
        return Finding("alerts", WARNING, "nobody is told when something is wrong", remedy)
    found = telling.notices()
    undelivered = [each for each in found if each.condition.name == conditions.UNDELIVERED]
    if undelivered:
        texts = "; ".join(each.condition.text for each in undelivered)
        return Finding("alerts", FAILED, texts, undelivered[0].remedy)
    untold = sum(not each.is_told for each in found)
    return Finding("alerts", OK, f"by {names}; {len(found)} open, {untold} of them told nobody yet")


def own_keys() -> Finding:
    """Whether people's keys can be read: their signatures tell, nothing is decrypted."""
    tokens = list(OwnKey.objects.values_list("encrypted", flat=True))
    unread = sum(encryption.number_of_key(token) is None for token in tokens)
    if unread:
        remedy = "Put the key that made them back at the end of FIELD_ENCRYPTION_KEY."
        return Finding("own keys", FAILED, f"{unread} of {len(tokens)} cannot be decrypted", remedy)
    return Finding("own keys", OK, f"{len(tokens)} stored, all can be decrypted")


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


def contact() -> list[Finding]:
    try:
        credential = installation_credential()
    except OpenAIServiceError as error:
        return [_refused(error)]
    if credential.simulated:
        return [provider(call=False)]
    _load_capabilities()
    return first_contact(credential, QUESTION)


def _load_capabilities() -> None:
    with contextlib.suppress(DatabaseError):  # has a line of its own
        capabilities.load(at=database_now())


def _called(credential: Credential) -> Finding:
    _load_capabilities()
    try:
        reply = asyncio.run(_ask(credential))
    except OpenAIServiceError as error:
        return _refused(error)
    is_paused = credential.label in _paused()
    form = openai_service.form_for(credential, settings.OPENAI_MODEL)
    found = f"{reply.model} answers at {credential.label}, asked as {form}"
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
        return await openai_service.ask_stepping_down(
            QUESTION, credential=credential, timeout_seconds=settings.OPENAI_TIMEOUT_SECONDS
        )
    finally:
        await openai_service.close()


def _refused(error: OpenAIServiceError) -> Finding:
    status = f", HTTP {error.http_status}" if error.http_status else ""
    remedy = rule_of(error.error_code).remedy
    return Finding("provider", FAILED, f"{error.error_code}{status}", remedy)
