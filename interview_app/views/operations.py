"""The buttons of an operation's card."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from interview_app.views.ownership import own_operation, signed_in_user
from interview_app.views.paths import next_path
from interview_app.views.refused import refuse_in_message
from operations.models import Door, Operation
from operations.refusals import Refusal
from operations.services import WHEN_POSSIBLE, cancel_operation, retry_operation


@login_required
@require_POST
def retry(request: HttpRequest, operation_id: UUID) -> HttpResponse:
    if request.POST.get("when") == WHEN_POSSIBLE:
        verb = partial(retry_operation, when=WHEN_POSSIBLE)
        return _act(request, operation_id, verb, _("It will be done for you. You can leave."))
    return _act(request, operation_id, retry_operation, _("Trying again."))


@login_required
@require_POST
def cancel(request: HttpRequest, operation_id: UUID) -> HttpResponse:
    return _act(request, operation_id, cancel_operation, _("Stopped. Nothing you wrote is lost."))


def _act(
    request: HttpRequest, operation_id: UUID, verb: Callable[..., Operation], done: str
) -> HttpResponse:
    operation = own_operation(request, operation_id)
    try:
        verb(operation_id=operation.pk, actor=signed_in_user(request), door=Door.PAGE)
    except Refusal as refusal:
        refuse_in_message(request, refusal)
    else:
        messages.success(request, done)
    return redirect(next_path(request, default="my_practice"))
