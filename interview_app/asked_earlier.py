"""What a person was asked in other practices for the same role."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from interview_app.models import InterviewSession, Question

EARLIER_QUESTIONS = 40
"""Of a person for one role: the newest of them go into the prompt."""
MAX_CHARACTERS = 300


def questions_asked_earlier(sessions: Iterable[InterviewSession]) -> dict[UUID, list[str]]:
    """By session: what its owner was asked in others for the same role, the newest first. One
    query for all of them, with at most EARLIER_QUESTIONS rows for each owner and role."""
    found = list(sessions)
    newest_first = Window(
        RowNumber(),
        partition_by=[F("session__owner_id"), F("session__role")],
        order_by=[F("created_at").desc(), F("number").desc()],
    )
    rows = (
        Question.objects.filter(
            session__owner_id__in={each.owner_id for each in found},
            session__role__in={each.role for each in found},
        )
        .annotate(rank=newest_first)
        .filter(rank__lte=EARLIER_QUESTIONS)
        .order_by("rank")
        .values_list("session__owner_id", "session__role", "session_id", "text")
    )
    asked: defaultdict[tuple[int, str], list[tuple[UUID, str]]] = defaultdict(list)
    for owner_id, role, session_id, text in rows:
        asked[owner_id, role].append((session_id, text[:MAX_CHARACTERS]))
    return {
        each.pk: [text for pk, text in asked[each.owner_id, each.role] if pk != each.pk]
        for each in found
    }
