"""What nobody touched for RETENTION_DAYS goes, in small portions, and what somebody uses stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from knox.models import AuthToken
from pytest_django import Settings

from interview_app import retention
from interview_app.models import (
    AccessToken,
    Answer,
    Draft,
    InterviewSession,
    JobPosting,
    Resume,
    Story,
)
from interview_app.retention import delete_old
from interview_app.tests.factories import (
    AnswerFactory,
    DraftFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    JobPostingFactory,
    ResumeFactory,
    StoryFactory,
)
from operations.models import Operation
from operations.tests.factories import OperationFactory, UserFactory
from operations.workers import chores

pytestmark = pytest.mark.django_db

DAYS = 30
LONG_AGO = timezone.now() - timedelta(days=DAYS + 1)


@pytest.fixture(autouse=True)
def a_month(settings: Settings) -> None:
    settings.RETENTION_DAYS = DAYS


def old_session(**values: Any) -> InterviewSession:
    made: InterviewSession = InterviewSessionFactory(**values)
    InterviewSession.objects.filter(pk=made.pk).update(created_at=LONG_AGO)
    return made


def old(row: Any, moment: str) -> Any:
    type(row).objects.filter(pk=row.pk).update(**{moment: LONG_AGO})
    return row


def test_an_old_practice_goes_with_all_that_was_written_and_its_operations_stay() -> None:
    session = old_session()
    feedback = FeedbackFactory(answer__question__session=session)
    old(feedback.answer, "created_at")
    done = OperationFactory(session_id=session.pk, owner=session.owner, completed=True)
    waiting = OperationFactory(session_id=session.pk, owner=session.owner)

    assert delete_old() == 1

    assert not InterviewSession.objects.exists()
    assert not Answer.objects.exists()
    done.refresh_from_db()
    waiting.refresh_from_db()
    assert (done.status, waiting.status) == ("completed", "cancelled")
    assert done.subject_deleted_at is not None


def answered(session: InterviewSession) -> None:
    AnswerFactory(question__session=session)


def drafted(session: InterviewSession) -> None:
    DraftFactory(question__session=session)


def finished(session: InterviewSession) -> None:
    session.finish_requested_at = timezone.now()
    session.save(update_fields=["finish_requested_at"])


@pytest.mark.parametrize("touch", [answered, drafted, finished])
def test_an_old_practice_that_somebody_came_back_to_stays(
    touch: Callable[[InterviewSession], None],
) -> None:
    touch(old_session())

    assert delete_old() == 0
    assert InterviewSession.objects.exists()


def test_what_was_done_long_ago_keeps_nothing() -> None:
    session = old_session()
    old(AnswerFactory(question__session=session), "created_at")
    old(DraftFactory(question__session=session), "saved_at")
    InterviewSession.objects.update(finish_requested_at=LONG_AGO, finished_at=LONG_AGO)

    assert delete_old() == 1
    assert not Draft.objects.exists()


def test_postings_and_resumes_go_with_the_last_practice_that_used_them(alice: User) -> None:
    posting = old(JobPostingFactory(owner=alice), "updated_at")
    old(ResumeFactory(owner=alice), "updated_at")
    old(StoryFactory(owner=alice), "updated_at")
    session = old_session(owner=alice, job_posting=posting)
    AnswerFactory(question__session=session)
    assert delete_old() == 0

    Answer.objects.update(created_at=LONG_AGO)

    assert delete_old() == 4
    assert not JobPosting.objects.exists()
    assert not Story.objects.exists()
    assert not Resume.objects.exists()


def test_what_is_new_stays(alice: User) -> None:
    JobPostingFactory(owner=alice)
    ResumeFactory(owner=alice)
    StoryFactory(owner=alice)
    InterviewSessionFactory(owner=alice)

    assert delete_old() == 0


def test_one_portion_is_bounded_and_the_oldest_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    oldest = old_session()
    InterviewSession.objects.filter(pk=oldest.pk).update(created_at=LONG_AGO - timedelta(days=9))
    for _ in range(2):
        old_session()

    assert delete_old() == 2
    assert not InterviewSession.objects.filter(pk=oldest.pk).exists()
    assert delete_old() == 1


def test_a_practice_that_somebody_comes_back_to_meanwhile_stays() -> None:
    """An answer is committed after the practice was found to be old and before it is deleted."""
    session = old_session()
    operation = OperationFactory(session_id=session.pk)

    def come_back(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("UPDATE") and not Answer.objects.exists():
            AnswerFactory(question__session=session)
        return execute(sql, *rest)

    with connection.execute_wrapper(come_back):
        assert delete_old() == 0

    operation.refresh_from_db()
    assert InterviewSession.objects.filter(pk=session.pk).exists()
    assert (operation.status, operation.subject_deleted_at) == ("pending", None)


def test_without_the_setting_nothing_goes(settings: Settings) -> None:
    settings.RETENTION_DAYS = 0
    old_session()

    assert delete_old() == 0
    assert InterviewSession.objects.exists()


def test_the_supervisor_does_it_by_the_way() -> None:
    old_session()

    for chore in chores.due_now():
        if chore.do is delete_old:
            chore.run_when_due()

    assert not InterviewSession.objects.exists()
    assert not Operation.objects.exists()


def test_expired_sign_ins_go_whatever_the_retention(settings: Settings) -> None:
    settings.RETENTION_DAYS = 0
    person, now = UserFactory(), timezone.now()
    for ends in (now - timedelta(hours=1), now + timedelta(hours=1)):
        row, _ = AuthToken.objects.create(user=person)
        AuthToken.objects.filter(pk=row.pk).update(expiry=ends)
        AccessToken.objects.get_or_create(token=row)
        Session.objects.create(session_key=str(ends)[:40], session_data="", expire_date=ends)

    delete_old()

    assert AuthToken.objects.get().expiry > now
    assert AccessToken.objects.count() == 1
    assert Session.objects.get().expire_date > now
