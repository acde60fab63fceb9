"""What is kept encrypted in rows: Fernet (AES-CBC with an HMAC), by FIELD_ENCRYPTION_KEY. The first
of its keys encrypts, all of them decrypt, so that a new one goes in front and the rows follow."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Undecryptable(Exception):
    """No key of FIELD_ENCRYPTION_KEY made this, or somebody changed it."""


def encrypt(text: str) -> str:
    return _keys()[0].encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Raises `Undecryptable`."""
    try:
        return MultiFernet(_keys()).decrypt(token).decode()
    except InvalidToken:
        raise Undecryptable from None


def reencrypt(token: str) -> str:
    """The same under the first key. Raises `Undecryptable`."""
    try:
        return MultiFernet(_keys()).rotate(token).decode()
    except InvalidToken:
        raise Undecryptable from None


def number_of_key(token: str) -> int | None:
    """The place of the key that it is encrypted with, from 0; None: of none. Nothing is decrypted:
    the signature tells."""
    for number, key in enumerate(_keys()):
        try:
            key.extract_timestamp(token)
        except InvalidToken:
            continue
        return number
    return None


def _keys() -> list[Fernet]:
    return [Fernet(key) for key in settings.FIELD_ENCRYPTION_KEY]
