"""Cursor pages: stable while rows are added, and as fast on the last page as on the first."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext as _
from rest_framework.exceptions import ErrorDetail, NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView


class NewestFirst(CursorPagination):
    # Rows of one instant need the id to have an order at all.
    ordering: tuple[str, ...] = ("-created_at", "-id")
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, ValueError, DjangoValidationError):
            # A cursor that does not decode, or decodes to no value of the ordering's field.
            detail = ErrorDetail(_("This is no cursor of this list."), code="invalid")
            raise ValidationError({self.cursor_query_param: [detail]}) from None


class InOrder(NewestFirst):
    """A ledger, from its first entry on."""

    ordering = ("number",)
    page_size = 100
