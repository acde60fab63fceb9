"""A new password for who forgot theirs, by a link in a mail.

Whoever asks is told the same at the same moment, whether the address is known or not: it is looked
up, and the mail written and sent, by a thread of its own after the request. A process that is
killed just then sends nothing; the person asks again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage
from django.db import connection
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from interview_app.public_ids import person_of, public_id_of
from interview_app.refusals import MailBusy
from operations import events, limits
from operations.limits.address import address_of
from operations.limits.rules import RESET, RESET_ADDRESS, RESET_MAIL, of_mail

MOST_WAITING = 100
"""Requests whose mail was not sent yet, in each web process."""

_places = threading.BoundedSemaphore(MOST_WAITING)
_sending = ThreadPoolExecutor(1, thread_name_prefix="password-reset")


@dataclass(frozen=True)
class Asked:
    """What the thread needs of the request."""

    address: str
    site: str
    """https://coach.example.org, one of ALLOWED_HOSTS."""
    language: str


def ask_for_reset(request: HttpRequest, *, address: str) -> Future[None]:
    """Send a link to whoever has this address, if anybody has; the answer is for tests, since what
    it took must not be told. Raises `TooOften`, `MailBusy`."""
    if not _places.acquire(blocking=False):
        raise MailBusy
    try:
        _count(request, address)
        site = request.build_absolute_uri("/").rstrip("/")
        asked = Asked(address, site, translation.get_language() or settings.LANGUAGE_CODE)
        return _sending.submit(_send_and_leave, asked)
    except BaseException:
        _places.release()
        raise


def person_of_link(person_id: UUID, token: str) -> User | None:
    """Whose link it is; null where it is none, was used or is too old."""
    person = person_of(person_id)
    is_theirs = person is not None and default_token_generator.check_token(person, token)
    return person if is_theirs else None


def proof_of(person: User) -> dict[str, Any]:
    """Of having followed the link, to be kept in the browser's session: of no use in an address,
    and void when a password was set or somebody signed in."""
    return {"until": time.time() + settings.PASSWORD_RESET_TIMEOUT, "state": _state_of(person)}


def person_of_proof(person_id: UUID, proof: Mapping[str, Any]) -> User | None:
    """Who may choose a new password with it; null where nobody may."""
    person = person_of(person_id)
    if person is None or proof.get("until", 0) < time.time():
        return None
    return person if constant_time_compare(proof["state"], _state_of(person)) else None


def _state_of(person: User) -> str:
    state = f"{person.pk} {person.password} {person.last_login} {person.email}"
    return salted_hmac("interview_app.password_reset", state, algorithm="sha256").hexdigest()


def _count(request: HttpRequest, address: str) -> None:
    """Before anybody knows whether it is known. One's inbox cannot be filled from anywhere, and
    from one place not many inboxes."""
    mail, place = of_mail(address), address_of(request)
    limits.reserve(
        limits.bucket(RESET_ADDRESS, address=place),
        limits.bucket(RESET, account=mail, address=place),
        limits.bucket(RESET_MAIL, account=mail),
    )


def _send_and_leave(asked: Asked) -> None:
    try:
        with translation.override(asked.language):
            _send(asked)
    except Exception as error:
        # The thread goes on, and a mail server's words, which name people, stay out of the log.
        events.log(events.MAIL_FAILED, level=logging.ERROR, error_type=type(error).__name__)
    finally:
        _places.release()
        connection.close()


def _send(asked: Asked) -> None:
    """One mail for each account with this address: several may share it."""
    for person in PasswordResetForm().get_users(asked.address):
        link = asked.site + reverse(
            "reset_link",
            args=[public_id_of(person), default_token_generator.make_token(person)],
        )
        context = {
            "name": person.get_username(),
            "link": link,
            "minutes": settings.PASSWORD_RESET_TIMEOUT // 60,
        }
        text = render_to_string("registration/reset_mail.txt", context)
        # To the address as it is stored: what was typed may differ from it in look-alike letters.
        EmailMessage(_("Your new password"), text, to=[person.email]).send()
