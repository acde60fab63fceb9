"""A finished practice for others to read: a link that ends by itself and can be taken back.

The link's token is the signed id of a row: nobody guesses it, and who reads the database cannot
make it. Posting and résumé are not shared.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.utils import timezone

from interview_app.models import InterviewSession, ShareLink
from interview_app.queries import SessionDetail, session_details
from interview_app.refusals import NotFinished

DAYS = 14
SALT = "interview_app.share"


def share_session(*, session: InterviewSession) -> ShareLink:
    """A new link; an earlier one of the same practice ends with it. Raises NotFinished."""
    if session.finish_requested_at is None:
        raise NotFinished
    with transaction.atomic():
        stop_sharing(session=session)
        return ShareLink.objects.create(
            session_id=session.pk, expires_at=timezone.now() + timedelta(days=DAYS)
        )


def stop_sharing(*, session: InterviewSession) -> None:
    ShareLink.objects.filter(session_id=session.pk).delete()


def link_of(session: InterviewSession) -> ShareLink | None:
    """The one that still leads somewhere."""
    return ShareLink.objects.filter(session_id=session.pk, expires_at__gt=timezone.now()).first()


def token_of(link: ShareLink) -> str:
    return signing.Signer(salt=SALT, sep=".").sign(str(link.pk))


def shared_detail(token: str) -> SessionDetail:
    """Raises `ShareLink.DoesNotExist` for a link that ended, was taken back or never was."""
    try:
        link_id = UUID(signing.Signer(salt=SALT, sep=".").unsign(token))
    except (signing.BadSignature, ValueError):
        raise ShareLink.DoesNotExist from None
    link = ShareLink.objects.select_related("session__summary").get(
        pk=link_id, expires_at__gt=timezone.now()
    )
    return session_details([link.session])[0]
