"""What the console's browser test finds in the running product; piped into its `manage.py shell`.

A bad hour: 500 failed operations of five categories, 120 of them server errors of the last hour
whose sessions are real, so that a retry can succeed.
"""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import get_user_model

from interview_app.services import start_session
from interview_app.tests.factories import InterviewSessionFactory
from operations.models import Operation
from operations.tests.crowd import make_completed, make_failed

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
