"""What a person does with their account. Signing in and up is Django's own."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from interview_app.models import Language, Preferences
from interview_app.public_ids import public_id_of
from interview_app.validation import check_choice
from operations import limits
from operations.key_check import KEY_CHECK
from operations.limits.address import address_of
from operations.limits.rules import EXPORT, OWN_PASSWORD, SIGN_UP, of_person
from operations.models import Operation
from operations.services import cancel_owner_operations, check_own_key

VISITOR = "visitor-"
"""How the names of those begin who try it without an account. They have no password."""


def make_visitor() -> User:
    """Somebody who chose no name and no password; only this browser is signed in as them."""
    return User.objects.create_user(f"{VISITOR}{secrets.token_hex(8)}")


def is_visitor(person: AbstractBaseUser | AnonymousUser) -> bool:
    return (
        person.get_username().startswith(VISITOR) and not cast(User, person).has_usable_password()
    )


def sign_out_everywhere(*, person: User, password: str) -> None:
    """End every browser session and every token. Raises `ValidationError` under `password`, and
    `TooOften`.

    The same password hashed anew is, to all that was signed in with it, another password: sessions
    carry a digest of the hash, and tokens end as with any change. So it asks for the password.
    """
    check_own_password(person, password)
    person.set_password(password)
    person.save(update_fields=["password"])


def check_own_password(person: User, password: str) -> None:
    """Raises `ValidationError` under `password`, and `TooOften`."""
    count_own_password(person)
    if not person.check_password(password):
        raise ValidationError({"password": [_("This is not your password.")]})


def choose_language(*, person: User, language: str) -> None:
    """Of the pages, in every browser of theirs; "" is what the browser says."""
    check_choice("language", language, ["", *Language.values])
    Preferences.objects.update_or_create(person=person, defaults={"language": language})


def chosen_language(person: AbstractBaseUser | AnonymousUser) -> str:
    """Empty where the browser's counts."""
    preferences: Preferences | None = getattr(person, "preferences", None)
    return preferences.language if preferences else ""


@transaction.atomic
def delete_account(*, person: User, actor: User, door: str) -> None:
    """Deletes the person and all they wrote, and cancels what is unfinished. The rows of their
    operations stay without an owner, with counts and codes only; a running call's result is
    dropped."""
    cancel_owner_operations(owner=person, actor=actor, door=door)
    # Whoever is adding something of theirs waits, and then finds nobody to add it to; without the
    # lock it would be ours that fails. After the operations: everybody locks those first.
    User.objects.select_for_update().filter(pk=person.pk).first()
    person.delete()


def check_key(person: User, *, door: str) -> Operation:
    """Ask the provider whether it takes this person's own key. Raises as `check_own_key`."""
    return check_own_key(person=person, subject_id=public_id_of(person), door=door)


def newest_check(person: User, *, since: datetime) -> Operation | None:
    checks = Operation.objects.filter(owner=person, kind=KEY_CHECK, created_at__gte=since)
    return checks.order_by("-created_at", "-id").first()


def count_sign_up(request: HttpRequest) -> None:
    """Before a name is looked up or a password hashed; raises `TooOften`."""
    limits.reserve(limits.bucket(SIGN_UP, address=address_of(request)))


def count_own_password(person: User) -> None:
    """Whoever took over somebody's browser does not get to guess the password in it either. To be
    called before it is checked; raises `TooOften`."""
    limits.reserve(limits.bucket(OWN_PASSWORD, account=of_person(person)))


def count_export(person: User) -> None:
    """Before all of a person's data is read; raises `TooOften`."""
    limits.reserve(limits.bucket(EXPORT, account=of_person(person)))
