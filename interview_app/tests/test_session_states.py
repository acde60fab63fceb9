"""What a session is looked for by is what its page says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from interview_app.models import InterviewSession
from interview_app.queries import session_status
from interview_app.session_states import LABELS, sessions_having
from interview_app.tests.factories import (
    AnswerFactory,
    InterviewSessionFactory,
    QuestionFactory,
    SessionSummaryFactory,
)
from operations.models import Operation
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/operations/operation/"


def operation(session: InterviewSession, subject: Any = None, **values: Any) -> Operation:
    subject = subject or session
    names = {"InterviewSession": "session", "Question": "question", "Answer": "answer"}
    return OperationFactory(
        session_id=session.pk,
        subject_type=names[type(subject).__name__],
        subject_id=str(subject.pk),
        **values,
    )


def preparing(**values: Any) -> InterviewSession:
    session = InterviewSessionFactory()
    operation(session, **values)
    return session


def generation_again(**newest: Any) -> InterviewSession:
    session = preparing(failed=True)
    hour_ago = timezone.now() - timedelta(hours=1)
    Operation.objects.filter(session_id=session.pk).update(created_at=hour_ago)
    operation(session, **newest)
    return session


def ready(**values: Any) -> InterviewSession:
    session = InterviewSessionFactory(**values)
    QuestionFactory(session=session)
    return session


def in_progress(kind: str = "feedback_analysis", *, again: bool = False, **how: Any) -> Any:
    finishing = how.pop("finishing", False)
    answer = AnswerFactory(question__session=InterviewSessionFactory(finishing=finishing))
    session = answer.question.session
    operation(session, answer, kind=kind, **how)
    if again:
        AnswerFactory(question=answer.question)
    return session


def ending(*, has_summary: bool = False, **how: Any) -> InterviewSession:
    session = ready(finishing=True)
    operation(session, kind="session_summary", **how)
    if has_summary:
        SessionSummaryFactory(session=session)
    return session


def asked_about_question(**how: Any) -> InterviewSession:
    session = ready()
    operation(session, session.questions.get(), kind="follow_up_question", **how)
    return session


SESSIONS: dict[str, Callable[[], InterviewSession]] = {
    "nothing yet": InterviewSessionFactory,
    "questions on their way": lambda: preparing(running=True),
    "no questions": lambda: preparing(failed=True),
    "questions cancelled": lambda: preparing(cancelled=True),
    "questions retried": lambda: generation_again(running=True),
    "questions failed twice": lambda: generation_again(failed=True),
    "ready": ready,
    "a question's operation failed": lambda: asked_about_question(failed=True),
    "answered": lambda: in_progress(completed=True),
    "analysis failed": lambda: in_progress(failed=True),
    "analysis cancelled": lambda: in_progress(cancelled=True),
    "answered again": lambda: in_progress(failed=True, again=True),
    "follow-up failed": lambda: in_progress("follow_up_question", failed=True),
    "follow-up failed, at the end": lambda: in_progress(
        "follow_up_question", failed=True, finishing=True
    ),
    "finishing": lambda: ending(running=True),
    "summary failed": lambda: ending(failed=True),
    "summary cancelled": lambda: ending(cancelled=True),
    "summary there, another cancelled": lambda: ending(cancelled=True, has_summary=True),
    "finished": lambda: ready(finished=True),
}


def test_each_session_is_found_by_the_status_that_its_page_shows() -> None:
    sessions = {name: make() for name, make in SESSIONS.items()}
    names = {session.pk: name for name, session in sessions.items()}

    shown: dict[str, set[str]] = {status: set() for status in LABELS}
    for name, session in sessions.items():
        shown[session_status(InterviewSession.objects.get(pk=session.pk))].add(name)

    found = {status: {names[each.pk] for each in sessions_having(status)} for status in LABELS}
    assert found == shown
    assert all(shown.values()), "the table has each status"


def test_operations_are_listed_by_the_status_of_their_session(admin_client: Client) -> None:
    stopped, fine = preparing(failed=True), in_progress(completed=True)

    for status, session in (("needs_attention", stopped), ("in_progress", fine)):
        page = admin_client.get(LIST, {"session_status": status})
        assert {row.session_id for row in page.context["cl"].queryset} == {session.pk}
        assert "By session&#x27;s status" in page.content.decode()
    assert admin_client.get(LIST, {"session_status": "odd"}).context["cl"].result_count == 2


@pytest.mark.parametrize("may_look", [True, False])
def test_link_to_the_session_is_for_those_who_may_follow_it(
    may_look: bool, admin_client: Client
) -> None:
    session = preparing(failed=True)
    client = admin_client
    if not may_look:
        client = Client()
        clerk = UserFactory(is_staff=True)
        clerk.groups.add(Group.objects.get(name="Operators (read only)"))
        client.force_login(clerk)
    url = f"/admin/interview_app/interviewsession/{session.pk}/change/"

    page = client.get(f"{LIST}{Operation.objects.get().pk}/change/").content.decode()

    assert (url in page) is may_look
    assert (client.get(url).status_code == 200) is may_look
