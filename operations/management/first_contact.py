"""First contact with a provider: one tiny call on each rung of the ladder, in ten lines.

It says what the server is, which forms it takes and how fast it answers. What it found is kept, for
the admin's page; which form is in use is not changed by it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from django.conf import settings
from django.db import Error as DatabaseError

from operations import openai_service
from operations.capabilities import Form, Rung
from operations.credentials import Credential
from operations.database.clock import database_now
from operations.errors import OpenAIServiceError, rule_of
from operations.errors.operator_vocabulary import vocabulary_words
from operations.kinds import ProviderRequest
from operations.models import ProviderContact

OK, WARNING, FAILED = "ok", "warning", "failed"


@dataclass(frozen=True)
class Finding:
    check: str
    result: str
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Try:
    """One call on one rung."""

    rung: Rung
    seconds: float
    model: str = ""
    error: OpenAIServiceError | None = None


def first_contact(credential: Credential, question: ProviderRequest) -> list[Finding]:
    """Asks five times, at the provider's price. Kept where the database can be written."""
    tries = asyncio.run(_tries(credential, question))
    findings = [_server(credential, tries), *map(_rung, tries), *_settings(credential, tries)]
    with contextlib.suppress(DatabaseError):  # doctor has a line of its own for this
        ProviderContact.objects.update_or_create(
            credential=credential.label,
            model=settings.OPENAI_MODEL,
            defaults={"at": database_now(), "report": [asdict(each) for each in findings]},
        )
    return findings


async def _tries(credential: Credential, question: ProviderRequest) -> list[Try]:
    try:
        return [await _try(rung, credential, question) for rung in Rung]
    finally:
        await openai_service.close()


async def _try(rung: Rung, credential: Credential, question: ProviderRequest) -> Try:
    started = time.monotonic()
    try:
        reply = await openai_service.ask(
            question,
            credential=credential,
            timeout_seconds=settings.OPENAI_TIMEOUT_SECONDS,
            form=Form(rung),
        )
    except OpenAIServiceError as error:
        return Try(rung, time.monotonic() - started, error=error)
    return Try(rung, time.monotonic() - started, model=reply.model)


def _server(credential: Credential, tries: list[Try]) -> Finding:
    answered = [each for each in tries if each.error is None]
    if not answered:
        error = tries[-1].error
        assert error is not None
        remedy = rule_of(error.error_code).remedy
        return Finding("server", FAILED, f"{credential.label}: {error.error_code}", remedy)
    fastest = min(each.seconds for each in answered)
    found = f"{credential.label} answers as {answered[0].model} in {fastest:.1f} s"
    if fastest > settings.OPENAI_TIMEOUT_SECONDS / 3:
        remedy = "A real question is far longer: raise OPENAI_TIMEOUT_SECONDS."
        return Finding("server", WARNING, found, remedy)
    return Finding("server", OK, found)


def _rung(each: Try) -> Finding:
    if each.error is None:
        return Finding(each.rung, OK, f"taken, {each.seconds:.1f} s")
    status = f", HTTP {each.error.http_status}" if each.error.http_status else ""
    return Finding(
        each.rung,
        WARNING,
        f"{each.error.error_code}{status}",
        rule_of(each.error.error_code).remedy,
    )


def _settings(credential: Credential, tries: list[Try]) -> Iterator[Finding]:
    form = openai_service.form_for(credential, settings.OPENAI_MODEL)
    wanted = next((each for each in tries if each.rung is form.rung), None)
    taken = next((each.rung for each in tries if each.error is None), None)
    if wanted is not None and wanted.error is not None and taken is not None:
        remedy = f"With OPENAI_STRUCTURED_OUTPUT=auto the next call learns to ask as {taken}."
        yield Finding("form in use", WARNING, f"{form}, which is refused", remedy)
    else:
        yield Finding("form in use", OK, f"{form} ({settings.OPENAI_STRUCTURED_OUTPUT})")
    limit = settings.OPENAI_MAX_OUTPUT_TOKENS or "the model's own"
    yield Finding("answer limit", OK, f"{limit} tokens, {settings.OPENAI_TIMEOUT_SECONDS:g} s")
    yield Finding("vocabulary", OK, vocabulary_words())
