"""People's own keys: what may be stored, and the credential of each for the process that calls.

A key is read here alone, by the claim of its owner's operations. Nobody else decrypts one: pages,
API and admin know its hint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from operations import encryption
from operations.credentials import (
    Credential,
    installation_base_url,
    key_fault,
    make_credential,
)
from operations.database import paused
from operations.database.written_once import Place, WrittenOnce
from operations.encryption import Undecryptable
from operations.errors import AuthenticationError, InvalidRequestError, OpenAIServiceError
from operations.masking import LONGEST_SECRET, MIN_SECRET_LENGTH, remember_secret
from operations.models import Operation, OwnKey

KEY_MIN_LENGTH, KEY_MAX_LENGTH = MIN_SECRET_LENGTH, LONGEST_SECRET
"""Outside of these the logs' mask would not know it."""

SHOWN = 4
SHOWN_FROM_LENGTH = 20
"""Of a shorter key four characters would be a good part."""

Resolved = Mapping[int | None, Credential | OpenAIServiceError]
"""By owner: what to call with, or why that is not possible."""


def own_key_of(owner_id: int | None) -> OwnKey | None:
    """What may be known of it."""
    if owner_id is None:
        return None
    return OwnKey.objects.defer("encrypted").filter(owner_id=owner_id).first()


def has_own_key(owner_id: int | None) -> bool:
    return owner_id is not None and bool(_KEY_OF(owner=owner_id))


_KEY_OF = WrittenOnce(
    lambda: OwnKey.objects.filter(owner=Place("owner", get_user_model()._meta.pk)).values_list("pk")
)


def host_of(key: OwnKey) -> str:
    """Who gets the texts that are sent with it."""
    return urlsplit(key.base_url or installation_base_url()).hostname or ""


def is_paused(owner_id: int) -> bool:
    """Whether the provider refused it, so that what waits for it waits."""
    return paused.OPEN.filter(own_key_owner_id=owner_id).exists()


def hint_of(key: str) -> str:
    return f"…{key[-SHOWN:]}" if len(key) >= SHOWN_FROM_LENGTH else "…"


def checked_key(key: str) -> str:
    """Without white space around it. Raises `ValidationError`, which does not repeat it."""
    key = key.strip()
    if not KEY_MIN_LENGTH <= len(key) <= KEY_MAX_LENGTH:
        limits = {"least": KEY_MIN_LENGTH, "most": KEY_MAX_LENGTH}
        sentence = _("A key has %(least)d to %(most)d characters.") % limits
        raise ValidationError({"key": ValidationError(sentence, code="invalid")})
    if key_fault(key):
        sentence = _(
            "This key cannot be sent: it has a character that no key has, such as a blank, a line"
            " break or an accent. Please copy it again."
        )
        raise ValidationError({"key": ValidationError(sentence, code="invalid")})
    return key


def checked_base_url(base_url: str) -> str:
    """Empty: the installation's. Raises `ValidationError` for what the operator does not offer: a
    server that calls whatever address somebody gives it opens the network that it stands in."""
    base_url = base_url.strip().rstrip("/")
    if base_url and base_url not in settings.OWN_KEY_BASE_URLS:
        offered = ", ".join(settings.OWN_KEY_BASE_URLS)
        sentence = _("This address is not offered here.")
        if offered:
            sentence = _("This address is not offered here. Possible: %(offered)s") % {
                "offered": offered
            }
        raise ValidationError({"base_url": ValidationError(sentence, code="invalid_choice")})
    return base_url


def credentials_of(operations: Iterable[Operation]) -> Resolved:
    """Of the owners of those operations that are made with an own key: one statement for all, none
    where there are none. Only in the process that calls."""
    owners = {each.owner_id for each in operations if each.own_key}
    if not owners:
        return {}
    found: dict[int | None, Credential | OpenAIServiceError] = dict.fromkeys(owners, _deleted())
    found.update((key.owner_id, _read(key)) for key in OwnKey.objects.filter(owner_id__in=owners))
    return found


def _read(stored: OwnKey) -> Credential | OpenAIServiceError:
    # The list may have become shorter since it was saved.
    if stored.base_url and stored.base_url not in settings.OWN_KEY_BASE_URLS:
        return InvalidRequestError(
            "ENDPOINT_NOT_FOUND",
            detail="the own key's address is not in OWN_KEY_BASE_URLS",
            maybe_processed=False,
        )
    try:
        key = encryption.decrypt(stored.encrypted)
    except Undecryptable:
        return AuthenticationError(
            "API_KEY_NOT_CONFIGURED",
            detail="no key of FIELD_ENCRYPTION_KEY decrypts the own key",
            maybe_processed=False,
        )
    remember_secret(key)
    return make_credential(key, base_url=stored.base_url, owner_id=stored.owner_id)


def _deleted() -> OpenAIServiceError:
    return AuthenticationError(
        "API_KEY_NOT_CONFIGURED", detail="the own key was deleted", maybe_processed=False
    )
