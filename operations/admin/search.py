"""One search box: an id of any sort, a user, an error code, or words of a technical error text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import reduce
from operator import or_
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from operations.errors import RULES
from operations.models import HAS_LONG_TEXT, HAS_SHORT_TEXT, Attempt, Operation

HELP = (
    "Operation, session or subject id; user name; error code; our own or the provider's request id;"
    " or words of the error text."
)

MOST_TEXTS = 1000
"""Texts are codes and places, the same few again and again. With more of them than this the
database compares each row's."""

FEW_OWNERS = 100


def search(operations: QuerySet[Operation], text: str) -> QuerySet[Operation]:
    """No joins: nothing doubles, and each condition is a look into an index."""
    text = text.strip()
    if not text:
        return operations
    if identifier := _uuid(text):
        return operations.filter(
            Q(pk=identifier)
            | Q(session_id=identifier)
            | Q(subject_id=str(identifier))
            | Q(pk__in=_with_request(text))  # Azure's are UUIDs, and so are ours
            | Q(request_id=text)
        )
    if text.upper() in RULES:
        return operations.filter(error_code=text.upper())
    if re.match(r"req[_-]", text):
        return operations.filter(Q(pk__in=_with_request(text)) | Q(request_id=text))
    # The page asks three times (rows, number, facets), and "or" makes PostgreSQL read every row
    # each time: what can match nothing is left out before.
    conditions = list(_conditions(text))
    return operations.filter(reduce(or_, conditions)) if conditions else operations.none()


def _conditions(text: str) -> Iterator[Q]:
    owners = get_user_model().objects.filter(username__icontains=text).values_list("pk", flat=True)
    if some := list(owners[: FEW_OWNERS + 1]):
        # A plain list is read in the order of the index, newest first; a subquery is not.
        yield Q(owner__in=some if len(some) <= FEW_OWNERS else owners)
    if codes := [code for code in RULES if code.startswith(text.upper())]:
        yield Q(status=Operation.Status.FAILED, error_code__in=codes)
    if Operation.objects.filter(request_id=text).exclude(request_id="").exists():
        yield Q(request_id=text)
    if _with_request(text).exists():
        yield Q(pk__in=_with_request(text))
    if texts := _short_texts_with(text):
        yield Q(pk__in=_with_attempt(HAS_SHORT_TEXT & texts))
    with_long_text = _with_attempt(HAS_LONG_TEXT & Q(detail__icontains=text))
    if with_long_text.exists():
        yield Q(pk__in=with_long_text)


def _short_texts_with(words: str) -> Q | None:
    texts = (
        Attempt.objects.filter(HAS_SHORT_TEXT)
        .order_by()
        .values_list("detail", flat=True)
        .distinct()
    )
    known = list(texts[: MOST_TEXTS + 1])
    if len(known) > MOST_TEXTS:
        return Q(detail__icontains=words)
    found = [text for text in known if words.lower() in text.lower()]
    return Q(detail__in=found) if found else None


def _with_request(request_id: str) -> QuerySet[Attempt, UUID]:
    return _with_attempt(Q(provider_request_id=request_id) | Q(request_id=request_id))


def _with_attempt(condition: Q) -> QuerySet[Attempt, UUID]:
    return Attempt.objects.filter(condition).order_by().values_list("operation_id", flat=True)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
