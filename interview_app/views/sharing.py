"""Sharing a finished practice, and reading one that somebody shared."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from interview_app.models import ShareLink
from interview_app.sharing import share_session, shared_detail, stop_sharing
from interview_app.views.ownership import own_session
from interview_app.views.refused import refuse_in_message
from operations.refusals import Refusal


@login_required
@require_POST
def share(request: HttpRequest, session_id: UUID) -> HttpResponse:
    try:
        share_session(session=own_session(request, session_id).session)
    except Refusal as refusal:
        refuse_in_message(request, refusal)
        return redirect("session", session_id=session_id)
    messages.success(request, _("The link is made. Whoever has it can read this practice."))
    return redirect("summary", session_id=session_id)


@login_required
@require_POST
def unshare(request: HttpRequest, session_id: UUID) -> HttpResponse:
    stop_sharing(session=own_session(request, session_id).session)
    messages.success(request, _("The link leads nowhere any more."))
    return redirect("summary", session_id=session_id)


@never_cache
@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """For anybody. Not to be indexed, and without a referrer to wherever its reader goes next."""
    try:
        detail = shared_detail(token)
    except ShareLink.DoesNotExist:
        raise Http404 from None
    context = {"detail": detail, "session": detail.session}
    response = render(request, "interview_app/shared.html", context)
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "no-referrer"
    return response
