"""How many requests the API takes of one person, or of one address without a sign-in."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from operations import limits
from operations.limits.address import address_of
from operations.limits.rules import ANONYMOUS_REQUEST, REQUEST, of_person


class RequestLimit(BaseThrottle):
    def allow_request(self, request: Request, view: Any) -> bool:
        """Raises `TooOften`, which becomes a problem document as at every other limit."""
        if request.user.is_authenticated:
            limits.reserve(limits.bucket(REQUEST, account=of_person(request.user)))
        else:
            limits.reserve(limits.bucket(ANONYMOUS_REQUEST, address=address_of(request._request)))
        return True
