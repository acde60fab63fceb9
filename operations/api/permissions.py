"""Whose operations a person may change. What they may see is `queries.visible_operations`."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import PermissionDenied

from operations.models import Operation
from operations.queries import visible_operations

RETRY = "operations.retry_operation"
CANCEL = "operations.cancel_operation"


def refuse_unless_changeable(user: AbstractUser, operation_id: UUID, permission: str) -> None:
    """404 where the person may not know of the operation, 403 where they may only look at it."""
    if user.has_perm(permission):
        get_object_or_404(Operation.objects.only("pk"), pk=operation_id)
        return
    operation = get_object_or_404(visible_operations(user).only("owner_id"), pk=operation_id)
    if operation.owner_id != user.pk:
        raise PermissionDenied
