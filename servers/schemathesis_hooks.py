"""Loaded by schemathesis in its own environment: signs requests in, each that ends its own sign-in
with an account of its own, so that all others stay signed in."""

from __future__ import annotations

import itertools
import json
import os
import urllib.request
from typing import Any

import schemathesis  # type: ignore[import-not-found]

ENDS_SIGN_IN = {
    ("POST", "/api/v1/auth/logout/"),
    ("POST", "/api/v1/auth/logout-everywhere/"),
    ("DELETE", "/api/v1/me/account/"),
    ("DELETE", "/api/v1/me/tokens/"),
    ("DELETE", "/api/v1/me/tokens/{id}/"),
}
_numbers = itertools.count()


class SignIn:
    def get(self, case: Any, context: Any) -> str:
        if (case.method.upper(), case.path) in ENDS_SIGN_IN:
            return _new_token()
        return os.environ["TOKEN"]

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Token {data}"


if os.environ.get("TOKEN"):
    schemathesis.auth(refresh_interval=None)(SignIn)


def _new_token() -> str:
    account = {"username": f"passing{os.getpid()}-{next(_numbers)}", "password": "three green cars"}
    request = urllib.request.Request(
        f"{os.environ['API_UNDER_TEST']}/api/v1/auth/register/",
        json.dumps(account).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        token: str = json.load(answer)["token"]
        return token
