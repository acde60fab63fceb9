"""Idempotency-Key: a POST that is sent again makes nothing again and gets the same answer.

The key's row is written in the transaction that makes the object, before it. A second request with
the key waits for that transaction and then answers from the object's rows; nothing of the answer is
stored, because it holds what a person wrote. A request that is refused leaves no row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from operations.api.door import ApiView
from operations.database.written_once import Place, WrittenOnce
from operations.models import IdempotencyKey
from operations.refusals import OperationInProgress, Refusal

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEPT = timedelta(hours=24)
KEY_MAX_LENGTH = 200


class KeyReused(Refusal):
    code = "IDEMPOTENCY_KEY_REUSED"
    status_code = 422
    message = gettext_lazy("This Idempotency-Key was sent before with another body.")


class KeyTaken(Exception):
    """Another request with this key committed while ours waited for it."""


@dataclass(frozen=True)
class GivenKey:
    user: User
    route: str
    key: str
    body_sha256: str

    def find(self) -> IdempotencyKey | None:
        """Raises `KeyReused` where it was used with another body."""
        row = _OF_KEY.first(user=self.user.pk, route=self.route, key=self.key)
        if row is not None and row.body_sha256 != self.body_sha256 and not is_outdated(row):
            raise KeyReused
        return row

    def claim(self, *, instead_of: IdempotencyKey | None) -> IdempotencyKey:
        """Raises `KeyTaken`. Waits while another transaction holds the key uncommitted."""
        if instead_of is not None:
            instead_of.delete()
        try:
            with transaction.atomic():
                return IdempotencyKey.objects.create(
                    user=self.user,
                    route=self.route,
                    key=self.key,
                    body_sha256=self.body_sha256,
                )
        except IntegrityError:
            raise KeyTaken from None


def is_outdated(row: IdempotencyKey) -> bool:
    return row.created_at <= timezone.now() - KEPT


_OF_KEY = WrittenOnce(
    lambda: IdempotencyKey.objects.filter(
        user=Place("user", User._meta.pk),
        route=Place("route", IdempotencyKey._meta.get_field("route")),
        key=Place("key", IdempotencyKey._meta.get_field("key")),
    )
)


class CreatesOnce(ApiView):
    """A POST that creates or starts something: `make` it, then `rebuild` the answer from its rows,
    the first time as well as when it is replayed."""

    made_status: ClassVar[int] = 201
    location: ClassVar[str] = ""
    """Name of the route that shows the object, where there is one."""

    def make(self, request: Request, **ids: UUID) -> UUID:
        """Call the verb; the id of what it made."""
        raise NotImplementedError

    def rebuild(self, request: Request, object_id: str) -> Any:
        raise NotImplementedError

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and HEADER in request.headers:
            # Read whole before a transaction opens, and kept, to be hashed as well as parsed.
            request._request.body  # noqa: B018

    def post(self, request: Request, **ids: UUID) -> Response:
        key = _given_key(request, self.person)
        if key is None:
            return self.answer(request, str(self.make(request, **ids)))
        row, replayed = _once(key, lambda: self.make(request, **ids), self.made_status)
        response = self.answer(request, row.object_id, row.status_code)
        if replayed:
            response.headers[REPLAYED] = "true"
        return response

    def answer(self, request: Request, object_id: str, status: int = 0) -> Response:
        response = Response(self.rebuild(request, object_id), status=status or self.made_status)
        if self.location:
            response.headers["Location"] = reverse(self.location, args=[object_id])
        return response


def _once(key: GivenKey, make: Callable[[], UUID], status: int) -> tuple[IdempotencyKey, bool]:
    found = key.find()
    if found is not None and not is_outdated(found):
        return found, True
    try:
        with transaction.atomic():
            row = key.claim(instead_of=found)
            row.object_id, row.status_code = str(make()), status
            row.save(update_fields=["object_id", "status_code"])
            return row, False
    except KeyTaken:
        winner = key.find()
    if winner is None:
        # Its row went between our two looks: nobody can say any more what it made.
        raise OperationInProgress
    return winner, True


def _given_key(request: Request, person: User) -> GivenKey | None:
    if HEADER not in request.headers:
        return None
    key = request.headers[HEADER].strip()
    if not 0 < len(key) <= KEY_MAX_LENGTH or not key.isprintable():
        detail = _("Send 1 to %(limit)d printable characters.") % {"limit": KEY_MAX_LENGTH}
        raise ValidationError({HEADER: [ErrorDetail(detail, code="invalid")]})
    return GivenKey(
        user=person,
        route=request.path_info,
        key=key,
        body_sha256=hashlib.sha256(request._request.body).hexdigest(),
    )
