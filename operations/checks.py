"""System checks of what the provider needs: form and syntax, no network (that is `doctor`'s).

A fault found here would otherwise come back much later and under a wrong name: the SDK reports a
key with a line break, or an address without a scheme, as a connection error. Each message names the
variable and what is wrong with it, each hint an example; no value is repeated, it may be a secret.
The limits of numbers are the environment's reader's alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import getproxies

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from operations.credentials import base_url_fault, key_fault
from operations.errors.operator_vocabulary import read_vocabulary
from operations.errors.simulated_faults import parse_faults

PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


@register("operations")
def check_provider(**_: Any) -> list[CheckMessage]:
    """Every fault of the provider's configuration, in one list."""
    return [*_key(), *_base_url(), *_faults(), *_vocabulary(), *_proxies()]


def _error(number: int, variable: str, what: str, example: str) -> Error:
    return Error(
        f"{variable}: {what}.", hint=f"Example: {variable}={example}", id=f"operations.E{number:03}"
    )


def _key() -> Iterator[CheckMessage]:
    if settings.OPENAI_API_KEY and (fault := key_fault(settings.OPENAI_API_KEY.strip())):
        yield _error(1, "OPENAI_API_KEY", fault, "sk-proj-abc123")
    simulated = settings.DEBUG or settings.SIMULATED_PROVIDER
    if not (settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL or simulated):
        yield Warning(
            "OPENAI_API_KEY: it is not set, so every AI call of a worker with this environment"
            " will fail. A web process needs none.",
            hint="Set it, or OPENAI_BASE_URL alone for a server without keys, or "
            "SIMULATED_PROVIDER=true for made-up answers.",
            id="operations.W001",
        )


def _base_url() -> Iterator[CheckMessage]:
    if settings.OPENAI_BASE_URL and (fault := base_url_fault(settings.OPENAI_BASE_URL.strip())):
        yield _error(2, "OPENAI_BASE_URL", fault, "https://api.openai.com/v1")


def _faults() -> Iterator[CheckMessage]:
    try:
        parse_faults(settings.SIMULATED_FAULTS)
    except ValueError as fault:
        yield _error(4, "SIMULATED_FAULTS", str(fault), "network:0.1,rate_limit:0.05")


def _vocabulary() -> Iterator[CheckMessage]:
    path = settings.OPERATIONS_ERROR_VOCABULARY
    try:
        if path:
            read_vocabulary(Path(path))
    except (OSError, ValueError) as fault:
        what = fault.strerror if isinstance(fault, OSError) else str(fault)
        yield _error(
            5, "OPERATIONS_ERROR_VOCABULARY", f"the file cannot be used: {what}", "vocabulary.json"
        )


def _proxies() -> Iterator[CheckMessage]:
    for scheme, proxy in getproxies().items():
        prefix, separator, _ = proxy.partition("://")
        if scheme in ("http", "https", "all") and separator and prefix not in PROXY_SCHEMES:
            yield _error(
                6,
                f"{scheme.upper()}_PROXY",
                f"its scheme is none of {', '.join(PROXY_SCHEMES)}",
                "http://proxy.example.org:3128",
            )
