"""Operations over HTTP: look, try again, cancel. Live status is polling with an ETag."""

from __future__ import annotations

import hashlib
import math
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from operations.api.door import ApiView
from operations.api.filters import OperationFilter
from operations.api.idempotency import CreatesOnce
from operations.api.pagination import InOrder
from operations.api.permissions import CANCEL, RETRY, refuse_unless_changeable
from operations.api.serializers import (
    AttemptSerializer,
    OperationSerializer,
    RetryInput,
    data_of,
)
from operations.console import counts
from operations.database.states import with_state
from operations.models import Attempt, Door, Operation
from operations.queries import VIEW_ALL, visible_operation, visible_operations
from operations.services import cancel_operation, retry_operation

POLL_SECONDS = 1
LONGEST_POLL_SECONDS = 30


class OperationList(ListModelMixin, ApiView):
    serializer_class = OperationSerializer
    filterset_class = OperationFilter

    def get_queryset(self) -> QuerySet[Operation]:
        return with_state(visible_operations(self.person))

    def get(self, request: Request) -> Response:
        return self.list(request)


class OperationDetail(ApiView):
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        operation = _operation_or_404(self.person, pk, VIEW_ALL)
        response = _unless_known(request, data_of(operation))
        if not operation.is_final:
            response.headers["Retry-After"] = str(_seconds_to_next_look(operation))
        return response


class OperationStats(ApiView):
    """For those who may see all operations."""

    def get(self, request: Request) -> Response:
        if not self.person.has_perm(VIEW_ALL):
            raise PermissionDenied
        return Response(counts.stats())


class AttemptList(ListModelMixin, ApiView):
    serializer_class = AttemptSerializer
    pagination_class = InOrder
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Attempt]:
        operations = visible_operations(self.person).only("pk")
        operation = get_object_or_404(operations, pk=self.kwargs["pk"])
        return operation.attempt_ledger.all()

    def get(self, request: Request, pk: UUID) -> Response:
        return self.list(request)


class OperationRetry(CreatesOnce):
    made_status = 202
    location = "api-operation"

    def make(self, request: Request, **ids: UUID) -> UUID:
        refuse_unless_changeable(self.person, ids["pk"], RETRY)
        body = RetryInput(data=request.data)
        body.is_valid(raise_exception=True)
        operation = retry_operation(
            operation_id=ids["pk"],
            actor=self.person,
            door=Door.API,
            when=body.validated_data["when"],
        )
        return operation.pk

    def rebuild(self, request: Request, object_id: str) -> Any:
        return operation_data(self.person, object_id)


class OperationCancel(ApiView):
    def post(self, request: Request, pk: UUID) -> Response:
        refuse_unless_changeable(self.person, pk, CANCEL)
        operation = cancel_operation(operation_id=pk, actor=self.person, door=Door.API)
        return Response(data_of(operation), status=202)


class UnknownPath(ApiView):
    """What is no route of the API is a problem document too, whatever the method."""

    authentication_classes = ()
    permission_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound


def operation_data(person: AbstractUser, operation_id: str | UUID) -> dict[str, Any]:
    """The operation as it is now. 404 where it was deleted meanwhile, and where the person may
    neither see nor retry it any more: an answer can be asked for again a day later."""
    return data_of(_operation_or_404(person, operation_id, VIEW_ALL, RETRY))


def _operation_or_404(
    person: AbstractUser, operation_id: str | UUID, *permissions: str
) -> Operation:
    try:
        return visible_operation(person, operation_id, permissions=permissions)
    except Operation.DoesNotExist:
        raise Http404 from None


def _unless_known(request: Request, data: dict[str, Any]) -> HttpResponseBase:
    """The answer with its ETag, or 304 where the client has it."""
    digest = hashlib.sha256(JSONEncoder(sort_keys=True).encode(data).encode()).hexdigest()
    response = Response(data, headers={"Cache-Control": "private, no-cache"})
    etag = response.headers["ETag"] = f'"{digest[:32]}"'
    # Texts are in the reader's language.
    patch_vary_headers(response, ("Accept-Language", "Authorization", "Cookie"))
    not_modified = get_conditional_response(request._request, etag=etag, response=response)
    return not_modified or response


def _seconds_to_next_look(operation: Operation) -> int:
    if operation.next_attempt_at is None:
        return POLL_SECONDS
    wait = math.ceil((operation.next_attempt_at - timezone.now()).total_seconds())
    return min(max(POLL_SECONDS, wait), LONGEST_POLL_SECONDS)
