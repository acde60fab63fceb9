"""A person's API tokens: which there are, when they were used, and taking them back."""

from __future__ import annotations

import time
from uuid import UUID

from django.contrib.auth.models import User
from django.db import Error as DatabaseError
from django.db.models import Q, QuerySet
from django.utils import timezone

from interview_app.models import AccessToken
from operations.database import trouble

NOTED_EVERY_SECONDS = 3600
MOST_REMEMBERED = 10_000

_noted: dict[str, float] = {}
"""When this process last wrote of a token's use, by its digest."""


def tokens_of(person: User) -> QuerySet[AccessToken]:
    """Those that still let somebody in, newest first."""
    valid = Q(token__expiry=None) | Q(token__expiry__gt=timezone.now())
    return AccessToken.objects.filter(valid, token__user_id=person.pk).select_related("token")


def revoke_token(*, person: User, token_id: UUID) -> None:
    """Raises `AccessToken.DoesNotExist` also for other people's."""
    tokens_of(person).get(pk=token_id).token.delete()


def revoke_tokens(*, person: User) -> None:
    """All of them. Browsers stay signed in."""
    person.auth_token_set.all().delete()  # type: ignore[attr-defined]


def note_use(digest: str) -> None:
    """Once an hour for each process: a write for every request would cost more than it tells.
    Where the database cannot write, nothing is noted."""
    now = time.monotonic()
    if now - _noted.get(digest, -NOTED_EVERY_SECONDS) < NOTED_EVERY_SECONDS:
        return
    if len(_noted) >= MOST_REMEMBERED:
        _noted.clear()
    _noted[digest] = now
    try:
        AccessToken.objects.filter(token_id=digest).update(last_used_at=timezone.now())
    except DatabaseError as error:
        if not trouble.is_trouble(error):
            raise
        trouble.leave_connection()
