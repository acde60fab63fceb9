"""Deleting what has expired, and what nobody has touched for RETENTION_DAYS: practices with all
that was written in them, postings, résumés, libraries. Operations stay, with counts and codes."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from interview_app.models import Answer, Draft, InterviewSession, JobPosting, Resume, Story
from operations.models import Door
from operations.services import cancel_session_operations
from operations.upkeep import delete_oldest

AT_ONCE = 20
"""Rows of each sort: the supervisor that does it has its sweep to do as well."""
INTERVAL_SECONDS = 60.0
SIGN_INS_AT_ONCE = 500


_delete = partial(delete_oldest, by="updated_at", most=AT_ONCE)


def delete_old() -> int:
    """At most `AT_ONCE` of each sort, the longest untouched first; how many. Nothing but expired
    sign-ins where RETENTION_DAYS is 0. Any number of processes may do it at once."""
    signed_out = delete_expired_sign_ins()
    if not settings.RETENTION_DAYS:
        return signed_out
    before = timezone.now() - timedelta(days=settings.RETENTION_DAYS)
    sessions = old_sessions(before).order_by("created_at")[:AT_ONCE]
    deleted = signed_out + sum(_delete_session(session, before) for session in sessions)
    # Practices first: those that are left keep postings, résumés and libraries.
    deleted += _delete(old_postings(before))
    return deleted + _delete(old_resumes(before)) + _delete(old_stories(before))


def delete_expired_sign_ins() -> int:
    """API tokens and browsers' sessions whose time is over; their libraries leave them."""
    now, deleted = timezone.now(), 0
    for model, expires in (
        (apps.get_model(settings.KNOX_TOKEN_MODEL), "expiry"),
        (Session, "expire_date"),
    ):
        expired = model._base_manager.filter(**{f"{expires}__lt": now})
        deleted += delete_oldest(expired, expires, most=SIGN_INS_AT_ONCE)
    return deleted


def old_sessions(before: datetime) -> QuerySet[InterviewSession]:
    """Neither started, answered, drafted in nor finished since."""
    answers = Answer.objects.filter(question__session=OuterRef("pk"), created_at__gte=before)
    drafts = Draft.objects.filter(question__session=OuterRef("pk"), saved_at__gte=before)
    sessions = InterviewSession.objects.filter(created_at__lt=before)
    return sessions.exclude(Exists(answers) | Exists(drafts) | Q(finish_requested_at__gte=before))


def old_postings(before: datetime) -> QuerySet[JobPosting]:
    """Neither changed since nor used by a practice that is there."""
    users = InterviewSession.objects.filter(job_posting=OuterRef("pk"))
    return JobPosting.objects.filter(~Exists(users), updated_at__lt=before)


def old_resumes(before: datetime) -> QuerySet[Resume]:
    """Neither changed since nor of somebody who has a practice."""
    users = InterviewSession.objects.filter(owner=OuterRef("owner"))
    return Resume.objects.filter(~Exists(users), updated_at__lt=before)


def old_stories(before: datetime) -> QuerySet[Story]:
    """Likewise: a library is there for practices to come."""
    users = InterviewSession.objects.filter(owner=OuterRef("owner"))
    return Story.objects.filter(~Exists(users), updated_at__lt=before)


def _delete_session(session: InterviewSession, before: datetime) -> int:
    with transaction.atomic():
        cancel_session_operations(session_id=session.pk, door=Door.SWEEP)
        # Somebody may have come back to it since it was looked for; now nobody can any more.
        locked = InterviewSession.objects.select_for_update(of=("self",)).filter(pk=session.pk)
        if not (locked.first() and old_sessions(before).filter(pk=session.pk).exists()):
            transaction.set_rollback(True)
            return 0
        session.delete()
    return 1
