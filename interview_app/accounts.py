"""What a person does with their account. Signing in and up is Django's own."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


def sign_out_everywhere(*, person: User, password: str) -> None:
    """End every browser session and every token. Raises `ValidationError` under `password`.

    The same password hashed anew is, to all that was signed in with it, another password: sessions
    carry a digest of the hash, and tokens end as with any change. So it asks for the password.
    """
    if not person.check_password(password):
        raise ValidationError({"password": [_("This is not your password.")]})
    person.set_password(password)
    person.save(update_fields=["password"])
