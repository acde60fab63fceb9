"""`python -m bench.page_times <practices> …` in the environment of the product, with an empty
database: fills it up to each number of practices of one person and measures that person's pages.

The product's own code from the first middleware to the last byte, in this process and without a
socket. Prints one JSON object.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from interview_app.example import finished_example  # noqa: E402
from interview_app.models import (  # noqa: E402
    MAX_STORIES,
    Answer,
    Feedback,
    InterviewSession,
    Question,
    Resume,
    SessionSummary,
    Story,
)
from interview_app.sharing import share_session, token_of  # noqa: E402
from operations.models import Attempt, Operation  # noqa: E402

REPEATS = 30
TOGETHER = 200
"""Practices whose rows are written in one go."""
ANSWERS = 2
"""To each question: people try again."""
SAVED_IN_ORDER = (
    InterviewSession,
    Operation,
    Attempt,
    Question,
    Answer,
    Feedback,
    SessionSummary,
)


def main(*counts: int) -> None:
    call_command("migrate", verbosity=0)
    person = get_user_model().objects.create_user("mara")
    keep_library(person)
    figures = {}
    for count in counts:
        fill(person, count)
        client = Client(SERVER_NAME="localhost")
        client.force_login(person)
        figures[count] = {name: measured(client, path) for name, path in pages_of(person).items()}
    print(json.dumps(figures))


def pages_of(person: Any) -> dict[str, str]:
    """Of the newest practice, which has one before it."""
    session = InterviewSession.objects.filter(owner=person)[0]
    question = session.questions.all()[0]
    earlier, later = Answer.objects.filter(question=question)
    token = token_of(share_session(session=session))
    export = reverse("api-export", args=[session.pk])
    return {
        "Home": reverse("home"),
        "My practice": reverse("my_practice"),
        "My practice, last page": f"{reverse('my_practice')}?page=last",
        "My progress": reverse("my_progress"),
        "My library": reverse("stories"),
        "My résumé": reverse("my_resume"),
        "Settings": reverse("my_account"),
        "New practice": reverse("new_practice"),
        "Practice": reverse("session", args=[session.pk]),
        "Practice, polled": reverse("session_live", args=[session.pk]),
        "Question": reverse("question", args=[question.pk]),
        "Question, polled": reverse("question_live", args=[question.pk]),
        "Summary": reverse("summary", args=[session.pk]),
        "Print": reverse("print_session", args=[session.pk]),
        "Two practices compared": reverse("compare_retake", args=[session.pk]),
        "Two answers compared": reverse("compare_answers", args=[later.pk, earlier.pk]),
        "Delete": reverse("delete_session", args=[session.pk]),
        "Shared": reverse("shared", args=[token]),
        "API: sessions": reverse("api-sessions"),
        "API: session": reverse("api-session", args=[session.pk]),
        "API: export as Markdown": f"{export}?format=md",
        "API: export as JSON": f"{export}?format=json",
        "API: progress": reverse("api-progress"),
        "API: operations": reverse("api-operations"),
    }


def measured(client: Client, path: str) -> dict[str, float]:
    """Medians of wall time and of this process's own; queries and bytes of one answer."""
    with CaptureQueriesContext(connection) as asked:  # and fills what a process remembers
        answer: Any = client.get(path)
        queries = len(asked)
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status_code}")
    walls, own = [], []
    for _ in range(REPEATS):
        wall, processor = time.perf_counter(), time.process_time()
        client.get(path)
        walls.append(1000 * (time.perf_counter() - wall))
        own.append(1000 * (time.process_time() - processor))
    return {
        "wall_ms": statistics.median(walls),
        "processor_ms": statistics.median(own),
        "queries": queries,
        "bytes": len(b"".join(answer)),
    }


def keep_library(person: Any) -> None:
    """A résumé, and as many stories as one may have."""
    example = finished_example()
    Resume.objects.create(owner=person, text=example.session.resume_text, source="text")
    answer = example.questions[0].answer
    assert answer is not None
    Story.objects.bulk_create(
        Story(owner=person, title=f"Story {number}", question="And then?", text=answer.text)
        for number in range(MAX_STORIES)
    )


def fill(person: Any, count: int) -> None:
    """Copies of the finished example, each a retake of the one before, all with their calls."""
    mine = InterviewSession.objects.filter(owner=person)
    before, there = mine.first(), mine.count()
    for start in range(there, count, TOGETHER):
        copies = Copies(person)
        for _ in range(start, min(start + TOGETHER, count)):
            before = copies.add(before)
        copies.save()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


class Copies:
    """Of one person, not yet in the database."""

    def __init__(self, person: Any) -> None:
        self._person = person
        self._rows: dict[type, list[Any]] = {model: [] for model in SAVED_IN_ORDER}

    def save(self) -> None:
        for model in SAVED_IN_ORDER:
            model._default_manager.bulk_create(self._rows[model])

    def add(self, before: InterviewSession | None) -> InterviewSession:
        of = finished_example()
        session: InterviewSession = self._copy(of.session, owner=self._person, retake_of=before)
        generation = self._call("question_generation", session, "session", session)
        for each in of.questions:
            question = self._copy(each.question, session=session, operation=generation)
            for number in range(1, ANSWERS + 1):
                answer = self._copy(each.answer, question=question, number=number)
                analysis = self._call("feedback_analysis", session, "answer", answer)
                self._copy(each.feedback, answer=answer, operation=analysis)
        summary = self._call("session_summary", session, "session", session)
        self._copy(of.summary, session=session, operation=summary)
        return session

    def _copy(self, row: Any, **changed: Any) -> Any:
        names = {field.name for field in row._meta.concrete_fields if not field.primary_key}
        kept = {name: getattr(row, name) for name in names - changed.keys()}
        return self._made(type(row)(**kept, **changed))

    def _call(
        self, kind: str, session: InterviewSession, subject_type: str, subject: Any
    ) -> Operation:
        now = timezone.now()
        ended = {"fence": 1, "started_at": now, "finished_at": now}
        operation = Operation(
            kind=kind,
            status=Operation.Status.COMPLETED,
            owner=self._person,
            session_id=session.pk,
            subject_type=subject_type,
            subject_id=str(subject.pk),
            attempts=1,
            run_attempts=1,
            waiting_reason="",
            model="gpt-6-luna",
            queued_at=now,
            **ended,
        )
        self._made(Attempt(operation=operation, number=1, run=1, outcome="succeeded", **ended))
        self._made(operation)
        return operation

    def _made(self, row: Any) -> Any:
        self._rows[type(row)].append(row)
        return row


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
