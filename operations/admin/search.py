"""One search box: an id of any sort, a user, an error code, or words of a technical error text."""

from __future__ import annotations

import re
from uuid import UUID

from django.db.models import Q, QuerySet

from operations.errors import RULES
from operations.models import Attempt, Operation

HELP = (
    "Operation, session or subject id; user name; error code; the provider's request id; "
    "or words of the error text."
)


def search(operations: QuerySet[Operation], text: str) -> QuerySet[Operation]:
    """No joins: nothing doubles, and a plain id is one look into an index."""
    text = text.strip()
    if not text:
        return operations
    if identifier := _uuid(text):
        return operations.filter(
            Q(pk=identifier) | Q(session_id=identifier) | Q(subject_id=str(identifier))
        )
    if text.upper() in RULES:
        return operations.filter(error_code=text.upper())
    if re.match(r"req[_-]", text):
        return operations.filter(pk__in=_with_attempt(Q(provider_request_id=text)))
    return operations.filter(
        Q(owner__username__icontains=text)
        | Q(
            pk__in=_with_attempt(
                Q(detail__icontains=text)
                | Q(provider_request_id=text)
                | Q(error_code__startswith=text.upper())
            )
        )
    )


def _with_attempt(condition: Q) -> QuerySet[Attempt, UUID]:
    return Attempt.objects.filter(condition).order_by().values_list("operation_id", flat=True)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
