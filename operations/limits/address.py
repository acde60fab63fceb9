"""Who counts as one client."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    return address_in(request.META)


def address_in(environ: Mapping[str, Any]) -> str:
    """For who has no request yet: PEP 3333's names."""
    return client_address(
        environ.get("REMOTE_ADDR", ""),
        environ.get("HTTP_X_FORWARDED_FOR"),
        settings.TRUSTED_PROXY_COUNT,
    )


def client_address(remote: str, forwarded_for: str | None, proxies: int) -> str:
    """An IPv4 address, or the /64 that one IPv6 customer has.

    `forwarded_for` is believed as far as `proxies` of ours have written it (TRUSTED_PROXY_COUNT).
    """
    address = remote
    if proxies and forwarded_for:
        hops = forwarded_for.split(",")
        address = hops[-min(proxies, len(hops))].strip()
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
