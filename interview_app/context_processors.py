"""What every page says about this installation."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from interview_app.accounts import is_visitor
from operations.credentials import is_simulated
from operations.own_keys import has_own_key


def installation(request: HttpRequest) -> dict[str, object]:
    # A page that refuses a request may be written before anybody looked who sent it.
    person = getattr(request, "user", AnonymousUser())
    return {
        # Asked for by the pages alone that say so; the operator's do not.
        "simulated_provider": SimpleLazyObject(
            lambda: is_simulated() and not has_own_key(person.pk)
        ),
        "registration_open": settings.REGISTRATION_OPEN,
        "may_try": settings.TRY_WITHOUT_ACCOUNT,
        "is_visitor": is_visitor(person),
        "password_reset_by_mail": settings.PASSWORD_RESET_BY_MAIL,
    }
