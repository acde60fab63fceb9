"""What the console's browser test finds in the running product; piped into its `manage.py shell`.

A bad hour: 500 failed operations of five categories, 120 of them server errors of the last hour
whose sessions are real, so that a retry can succeed.
"""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.utils import timezone

from interview_app.services import start_session
from interview_app.tests.factories import (
    FeedbackFactory,
    InterviewSessionFactory,
    JobPostingFactory,
    ResumeFactory,
    SessionSummaryFactory,
)
from operations.credentials import installation_credential
from operations.models import BulkAction, BulkItem, Operation, WorkerRestart
from operations.tests.crowd import make_completed, make_failed
from operations.tests.factories import (
    AttemptFactory,
    ProviderPauseFactory,
    WorkerHeartbeatFactory,
)

MINUTES = timedelta(minutes=1)
HOURS = timedelta(hours=1)


def make_bad_hour() -> None:
    users = get_user_model().objects
    users.create_superuser("operator", "operator@example.org", "operate it")
    mara = users.create_user("mara", "mara@example.org", "a long enough pass phrase")
    make_completed(400, spread=HOURS, owner=mara)
    make_failed("SERVER_ERROR", 60, ago=2 * HOURS, spread=20 * HOURS, owner=mara)
    make_failed("TIMEOUT", 80, ago=5 * MINUTES, spread=5 * HOURS, owner=mara)
    make_failed("RATE_LIMIT_EXCEEDED", 140, ago=2 * MINUTES, spread=26 * HOURS, owner=mara)
    make_failed("SCHEMA_MISMATCH", 99, ago=HOURS, spread=100 * HOURS, owner=mara)
    make_failed("QUOTA_EXCEEDED", 1, ago=30 * HOURS, spread=HOURS, owner=mara)
    recent = make_failed("SERVER_ERROR", 120, ago=4 * MINUTES, spread=40 * MINUTES, owner=mara)
    for operation in recent:
        session = InterviewSessionFactory(owner=mara)
        operation.kind, operation.subject_type = "question_generation", "session"
        operation.session_id, operation.subject_id = session.pk, str(session.pk)
    Operation.objects.bulk_update(recent, ["kind", "subject_type", "session_id", "subject_id"])


def start_sessions(count: int) -> None:
    mara = get_user_model().objects.get(username="mara")
    for _ in range(count):
        start_session(owner=mara, role="Senior Backend Engineer", resume_text="")


def make_every_state() -> None:
    """What the pages of the console can look like, for who looks at them with other eyes."""
    _make_bulk_actions()
    _make_paused_work()
    _make_long_story()
    _make_whole_session()
    clerk = get_user_model().objects.create_user("clerk", password="operate it", is_staff=True)
    clerk.groups.add(Group.objects.get(name="Operators (read only)"))
    clerk.user_permissions.add(
        *Permission.objects.filter(
            content_type__app_label="interview_app", codename__startswith="view_"
        )
    )


def _make_bulk_actions() -> None:
    """One under way, spread so widely that it stays so, one stopped, and a long one that ended."""
    outcomes = BulkItem.Outcome
    _make_bulk(BulkAction.State.RUNNING, {outcomes.CHANGED: 30, outcomes.WAITING: 90})
    _make_bulk(BulkAction.State.STOPPED, {outcomes.CHANGED: 20, outcomes.WAITING: 20})
    _make_bulk(
        BulkAction.State.DONE, {outcomes.CHANGED: 150, outcomes.SKIPPED: 60, outcomes.FAILED: 2}
    )


@transaction.atomic  # or the supervisor sees an action without items, and ends it
def _make_bulk(state: str, outcomes: dict[str, int]) -> None:
    now = timezone.now()
    action = BulkAction.objects.create(
        verb=BulkAction.Verb.ACKNOWLEDGE,
        state=state,
        actor=get_user_model().objects.get(username="operator"),
        query="category=network&state=failed",
        spread_seconds=86_400,
        started_at=now,
        finished_at=None if state == BulkAction.State.RUNNING else now + MINUTES,
    )
    operations = iter(Operation.objects.order_by("-created_at").values_list("pk", flat=True))
    reasons = {"skipped": "NOT_ACKNOWLEDGEABLE", "failed": "KeyError"}
    BulkItem.objects.bulk_create(
        BulkItem(
            action=action,
            operation_id=next(operations),
            outcome=outcome,
            reason=reasons.get(outcome, ""),
            done_at=None if outcome == BulkItem.Outcome.WAITING else now,
        )
        for outcome, count in outcomes.items()
        for _ in range(count)
    )


def _make_paused_work() -> None:
    """The key in use was refused, as one was that nobody uses any more."""
    for credential in (installation_credential().label, "https://api.example.org/v1#0123456789ab"):
        ProviderPauseFactory(credential=credential, probed_at=timezone.now())
    start_sessions(6)
    WorkerHeartbeatFactory(expires_at=timezone.now() - MINUTES)
    WorkerRestart.objects.create(supervisor="test", reason="exited", exit_code=-9)


def _make_long_story() -> None:
    """An operation of two runs, with a text that is longer than a line, acknowledged."""
    mara = get_user_model().objects.get(username="mara")
    (operation,) = make_failed("TIMEOUT", 1, ago=MINUTES, spread=MINUTES, owner=mara)
    place = "interview_app/kinds/feedback_analysis.py:161 in parse < operations/engine/running.py"
    AttemptFactory(
        operation=operation,
        number=5,
        run=2,
        error_code="INTERNAL_ERROR",
        category="internal",
        http_status=None,
        provider_request_id="req_" + "0a1b2c3d" * 8,
        possibly_paid_twice=True,
        detail=f"ZeroDivisionError at {' < '.join([place] * 4)}",
    )
    Operation.objects.filter(pk=operation.pk).update(
        run=2,
        attempts=5,
        run_attempts=1,
        error_code="INTERNAL_ERROR",
        error_category="internal",
        acknowledged_at=timezone.now(),
        acknowledged_by=get_user_model().objects.get(username="operator"),
        acknowledgement="A worker of the old release; the new one has the cure.",
    )


def _make_whole_session() -> None:
    mara = get_user_model().objects.get(username="mara")
    posting = JobPostingFactory(owner=mara)
    ResumeFactory(owner=mara)
    session = InterviewSessionFactory(owner=mara, job_posting=posting, finished=True)
    for _ in range(2):
        FeedbackFactory(answer__question__session=session)
    SessionSummaryFactory(session=session)
