"""The table of limits, and what a limit counts by.

Each is a leaky bucket (GCRA, ITU-T I.371 annex A.1.2): `most` at once after a quiet time, then one
more every `every_seconds`. A refused try costs nothing, so nobody waits longer than that for one
more, however hard somebody else tries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.crypto import salted_hmac

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

DIGEST_LENGTH = 32
"""Hexadecimal digits: 128 bits."""


@dataclass(frozen=True)
class Rule:
    name: str
    most: int
    every_seconds: float
    what: str
    """For the operator."""
    is_shared: bool = True
    """False: each process counts by itself, because a write for every request costs too much."""


# A person who forgot tries a handful of times. Five addresses are needed to use up what strangers
# may try on one account (one a minute), and whoever is known there is not counted among strangers.
SIGN_IN_ALL = Rule("sign_in_all", 60, 10, "sign-ins to an account from an address, right ones too")
SIGN_IN_ADDRESS = Rule("sign_in_address", 30, 6, "wrong sign-ins of strangers from an address")
SIGN_IN = Rule("sign_in", 10, 300, "wrong passwords of an account from an address")
SIGN_IN_ACCOUNT = Rule("sign_in_account", 30, 60, "wrong passwords of an account from strangers")
OWN_PASSWORD = Rule("own_password", 10, 300, "own password asked for again")
SIGN_UP = Rule("sign_up", 20, 180, "sign-ups from an address")
RESET_ADDRESS = Rule("reset_address", 10, 60, "forgotten passwords from an address")
RESET = Rule("reset", 3, 300, "forgotten passwords of an e-mail address from an address")
RESET_MAIL = Rule("reset_mail", 10, 300, "forgotten passwords of an e-mail address")
REFUSED_TOKEN = Rule("refused_token", 60, 10, "refused API tokens from an address")
UPLOAD = Rule("upload", 20, 15, "files of a person")
EXPORT = Rule("export", 5, 60, "exports of all of a person's data")
START = Rule("start", 300, 1, "AI calls that a person starts")
REQUEST = Rule("request", 600, 0.1, "API requests of a person", is_shared=False)
ANONYMOUS_REQUEST = Rule(
    "anonymous_request", 60, 1, "API requests from an address without a sign-in", is_shared=False
)

KNOWN = Rule("known", 1, 0, "no limit: the mark of a device or address that signed in")

RULES = {
    rule.name: rule
    for rule in (
        SIGN_IN_ALL,
        SIGN_IN_ADDRESS,
        SIGN_IN,
        SIGN_IN_ACCOUNT,
        OWN_PASSWORD,
        SIGN_UP,
        RESET_ADDRESS,
        RESET,
        RESET_MAIL,
        REFUSED_TOKEN,
        UPLOAD,
        EXPORT,
        START,
        REQUEST,
        ANONYMOUS_REQUEST,
    )
}


@dataclass(frozen=True)
class Bucket:
    """One rule for one account, one address or both. `account` is the digest to clear it by."""

    rule: Rule
    digest: str
    account: str = ""

    @property
    def key(self) -> str:
        return f"{self.rule.name}:{self.digest}"


def bucket(rule: Rule, *, account: str = "", address: str = "") -> Bucket:
    """`account`: what `of_name` or `of_person` says, not a bare name."""
    digest = _digest(f"{account}\n{address}")
    return Bucket(rule, digest, account=account_digest(account) if account else "")


def of_name(username: str) -> str:
    """An account that somebody names before anybody knows whether it exists."""
    return f"name {username.casefold()}"


def of_mail(address: str) -> str:
    """An e-mail address that somebody names, whether anybody has it or not."""
    return f"mail {address.casefold()}"


def of_person(person: AbstractUser) -> str:
    """Somebody who is signed in: a new name is no new start."""
    return f"id {person.pk}"


def account_digest(account: str) -> str:
    return _digest(account)


def _digest(value: str) -> str:
    return salted_hmac("operations.limits", value, algorithm="sha256").hexdigest()[:DIGEST_LENGTH]
