"""How often each GET asks the database, with one row of everything and with several: the table is
`query_counts.txt`.

A route without a row fails, and so does a row without a route. A failing test prints the rows as
they would have to be; a number that grows with the rows is told as "few..many" and is never right.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.tests.test_who_gets_in import ROUTES, World
from interview_app.api.tokens import new_token
from interview_app.models import InterviewSession, Question
from interview_app.tests.factories import (
    AnswerFactory,
    DraftFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    JobPostingFactory,
    QuestionFactory,
    ResumeFactory,
    RubricVersionFactory,
    SessionSummaryFactory,
    StoryFactory,
)
from operations.models import Operation, ProviderCapability, ProviderContact
from operations.services import save_own_key
from operations.tests.factories import (
    AttemptFactory,
    OperationEventFactory,
    OperationFactory,
    ProviderPauseFactory,
    UserFactory,
    WorkerHeartbeatFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(600)]

TABLE = Path(__file__).parent / "query_counts.txt"
FEW, MANY = range(1), range(1, 5)
"""Beside what the world begins with: of nothing is there none, which may save a query."""
NO_DATABASE_ROWS = {
    # A file of all that is kept: three queries more for each practice, in memory one at a time.
    "/api/v1/me/account/",
}


def table() -> dict[str, str]:
    lines = TABLE.read_text().splitlines()
    rows = (line.split() for line in lines if line and not line.startswith("#"))
    return {path: count for count, path in rows}


def asked(client: Client, path: str) -> int:
    """The second time: the first fills what a process remembers."""
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            answer: Any = client.get(path)
            if answer.streaming:
                b"".join(answer.streaming_content)
    return len(queries)


def address(world: World, path: str) -> str:
    """Of Alice's own rows, to which more is added, and not of any."""
    for name, model in (
        ("session", "interviewsession"),
        ("operation", "operation"),
        ("job-posting", "jobposting"),
    ):
        path = path.replace(f"/{model}/<path:object_id>/", f"/{model}/{world.ids[name]}/")
    return world._filled(path)


def more_of_everything(world: World, numbers: range) -> None:
    """What is Alice's, what hangs below her practice, and what the operator sees besides."""
    alice = User.objects.get(username="alice")
    session = InterviewSession.objects.get(pk=world.ids["session"])
    question = Question.objects.get(pk=world.ids["question"])
    operation = Operation.objects.get(pk=world.ids["operation"])
    for number in numbers:
        new_token(alice)
        JobPostingFactory(owner=alice)
        StoryFactory(owner=alice)
        below = FeedbackFactory(answer__question__session=session).answer
        QuestionFactory(session=session, follow_up_to=below)
        DraftFactory(question=below.question)
        AnswerFactory(question=question)
        for kind, subject in (("question_reason", question.pk), ("feedback_analysis", below.pk)):
            OperationFactory(
                owner=alice,
                session_id=session.pk,
                kind=kind,
                subject_id=str(subject),
                failed=True,
                error_code="INVALID_API_KEY",  # its text asks whether the administrator knows
            )
        AttemptFactory(operation=operation, number=number + 10)
        OperationEventFactory(operation=operation)
        finished = SessionSummaryFactory(session__owner=alice).session
        FeedbackFactory(answer__question__session=finished)
        InterviewSessionFactory(owner=alice)
        ProviderPauseFactory(credential=f"https://p{number}.example.org/v1#0123456789ab")
        RubricVersionFactory()
        WorkerHeartbeatFactory(supervisor=f"another {number}")
        ResumeFactory(owner=UserFactory())
        save_own_key(person=UserFactory(), key="a-key-of-theirs-for-tests")
        _meet_another_provider(number)


def _meet_another_provider(number: int) -> None:
    for model in (ProviderCapability, ProviderContact):
        row = model._default_manager.first()
        assert row is not None
        row.pk, row.model = None, f"m{number}"
        row.save()


def test_no_page_asks_more_often_for_more_rows() -> None:
    world = World()
    clients = {name: Client() for name in ("owner", "admin")}
    for name, client in clients.items():
        for key, value in world.cookies[name].items():
            client.cookies[key] = value
    who = {path: "admin" if path.startswith("/admin/") else "owner" for path in ROUTES}
    paths = sorted(ROUTES - NO_DATABASE_ROWS)

    more_of_everything(world, FEW)
    addresses = {path: address(world, path) for path in paths}
    few = {path: asked(clients[who[path]], addresses[path]) for path in paths}
    more_of_everything(world, MANY)
    many = {path: asked(clients[who[path]], addresses[path]) for path in paths}

    counts = {
        path: str(few[path]) if few[path] == many[path] else f"{few[path]}..{many[path]}"
        for path in paths
    }
    # Another database may need another number, and as little more for more rows.
    is_sqlite = connection.vendor == "sqlite"
    expected = table() if is_sqlite else {path: str(few[path]) for path in paths}
    wrong = [f"{count:>4} {path}" for path, count in counts.items() if expected.get(path) != count]
    assert wrong == [], "\n".join(wrong)
    assert set(expected) == set(paths)
