"""What each server takes, by credential and model: learned from refusals, kept with an expiry.

A row outlives the process; each process keeps what it knows in memory, so that a call costs a look
into a dictionary. Only the ladder's form is kept here; how a request is written in it, and which
refusal teaches what, is `openai_service.requesting`'s.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from operations.errors import OpenAIServiceError
from operations.models import ProviderCapability

EXPIRY = timedelta(hours=24)
"""After this the full form is tried again: servers learn too."""


class Rung(StrEnum):
    """How the schema is asked for, from the surest to the one that every server takes."""

    JSON_SCHEMA = "json_schema"
    """Strict, whole."""
    SIMPLE_SCHEMA = "json_schema_simple"
    """Without keywords that some servers refuse: counts, lengths, limits."""
    JSON_OBJECT_SCHEMA = "json_object_schema"
    """`json_object` with `schema` inside `response_format`: llama.cpp's kind."""
    JSON_OBJECT = "json_object"
    PROMPT = "prompt"

    @property
    def depth(self) -> int:
        return list(Rung).index(self)


@dataclass(frozen=True)
class Form:
    """The form of a request: the rung, and what was refused by name besides."""

    rung: Rung = Rung.JSON_SCHEMA
    left_out: frozenset[str] = field(default_factory=frozenset)
    """Parameters, and keywords of the schema."""

    def __str__(self) -> str:
        return " without ".join(filter(None, (self.rung, ", ".join(sorted(self.left_out)))))


FULL = Form()

_known: dict[tuple[str, str], tuple[Form, float]] = {}
"""Form and the Unix time until which it holds, by credential label and model."""


def anything_known() -> bool:
    """Whether any server was found to want less than the full form."""
    return bool(_known)


def known_form(credential: str, model: str) -> Form | None:
    """What was learned and has not expired. Costs no statement."""
    found = _known.get((credential, model))
    if found is None:
        return None
    form, until = found
    return form if until > time.time() else None


@dataclass(frozen=True)
class Lesson:
    """What a refusal taught about this credential and model."""

    credential: str
    model: str
    form: Form


class StepsDown:
    """What one run may still be asked in a simpler form: one rung, and without two parameters (a
    server may know neither a seed nor a temperature). Refusals cost nothing, but each is a call:
    what is refused beyond that fails, and what was learned of it is for the next run."""

    def __init__(self) -> None:
        self._left = {"INVALID_SCHEMA": 1, "INVALID_REQUEST": 2}

    def take(self, error: OpenAIServiceError) -> bool:
        left = self._left.get(error.error_code, 0) if error.lesson else 0
        self._left[error.error_code] = left - 1
        return left > 0


def learn(lesson: Lesson) -> None:
    """In this process, at once. Calls that were under way in an older form teach nothing that is
    forgotten again: what is known only gets simpler until it expires."""
    form = lesson.form
    known = known_form(lesson.credential, lesson.model) or FULL
    simplest = max(known.rung, form.rung, key=lambda rung: rung.depth)
    both = Form(simplest, known.left_out | form.left_out)
    until = time.time() + EXPIRY.total_seconds()
    _known[lesson.credential, lesson.model] = (both, until)


def keep(lesson: Lesson, *, at: datetime) -> None:
    """The row for other processes and the next start, in the caller's transaction. Safe to run
    again."""
    form = known_form(lesson.credential, lesson.model) or lesson.form
    ProviderCapability.objects.update_or_create(
        credential=lesson.credential,
        model=lesson.model,
        defaults={
            "rung": form.rung,
            "left_out": sorted(form.left_out),
            "learned_at": at,
            "expires_at": at + EXPIRY,
        },
    )


def load(*, at: datetime) -> None:
    """Everything that holds, into this process's memory; what it knew is forgotten."""
    _known.clear()
    for row in ProviderCapability.objects.filter(expires_at__gt=at):
        form = Form(Rung(row.rung), frozenset(row.left_out))
        _known[row.credential, row.model] = (form, row.expires_at.timestamp())


def forget() -> None:
    """In this process: for tests, whose database is emptied under it."""
    _known.clear()
