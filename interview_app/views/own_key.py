"""A person's own key for the provider: the verbs of its section on the account page."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from interview_app.accounts import check_key
from interview_app.forms import OwnKeyForm
from interview_app.views.accounts import account_page
from interview_app.views.ownership import signed_in_user
from interview_app.views.refused import refuse_in_message
from operations.models import Door, Operation
from operations.queries import operation_message
from operations.refusals import Refusal
from operations.services import delete_own_key, ended_within, save_own_key


@sensitive_post_parameters()
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def save_key(request: HttpRequest) -> HttpResponse:
    """GET: somebody loads the page of a refused key again."""
    if request.method != "POST":
        return redirect("my_account")
    form = OwnKeyForm(request.POST)
    if form.is_valid():
        try:
            save_own_key(person=signed_in_user(request), **form.cleaned_data)
        except ValidationError as refused:
            form.add_error(None, refused)
        else:
            messages.success(request, _("Your key is saved. From now on it is used for you."))
            return redirect("my_account")
    return account_page(request, key_form=form, status=400)


@login_required
@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Waits for the outcome a while; the account page says what is known afterwards too."""
    try:
        operation = ended_within(check_key(signed_in_user(request), door=Door.PAGE).pk)
    except Refusal as refusal:
        refuse_in_message(request, refusal)
    else:
        _tell(request, operation)
    return redirect("my_account")


def _tell(request: HttpRequest, operation: Operation) -> None:
    if operation.status == Operation.Status.COMPLETED:
        messages.success(request, _("The AI service takes your key."))
    elif operation.status == Operation.Status.FAILED:
        messages.error(request, operation_message(operation))
    else:
        messages.info(request, _("The check is under way. Load this page again in a moment."))


@login_required
@require_POST
def delete_key(request: HttpRequest) -> HttpResponse:
    delete_own_key(person=signed_in_user(request))
    messages.success(request, _("Your key is deleted."))
    return redirect("my_account")
