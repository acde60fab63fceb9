"""`/metrics`, for Prometheus on this machine, or anywhere with `METRICS_TOKEN`."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from operations.console.exposition import expose

THROUGH_A_PROXY = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_VIA")


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not (_has_token(request) or _is_of_this_machine(request)):
        return HttpResponse(
            "For this machine, or with METRICS_TOKEN as a bearer token.\n",
            status=401,
            content_type="text/plain; charset=utf-8",
            headers={"WWW-Authenticate": 'Bearer realm="metrics"'},
        )
    body, content_type = expose(request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=content_type)


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted: str = settings.METRICS_TOKEN
    return bool(wanted) and scheme.lower() == "bearer" and constant_time_compare(token, wanted)


def _is_of_this_machine(request: HttpRequest) -> bool:
    """A proxy on this machine speaks for everybody, and says so."""
    if any(header in request.META for header in THROUGH_A_PROXY):
        return False
    try:
        return ipaddress.ip_address(request.META["REMOTE_ADDR"]).is_loopback
    except ValueError:
        return False
