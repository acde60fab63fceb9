"""What the list of operations can be narrowed to. A value that cannot be is a 400, not a shrug."""

from __future__ import annotations

from typing import ClassVar

from django_filters import rest_framework as filters

from operations.errors import CATEGORY_CHOICES
from operations.kinds import all_kinds
from operations.models import Operation


def kind_choices() -> list[tuple[str, str]]:
    return [(kind.name, kind.name) for kind in all_kinds()]


class OperationFilter(filters.FilterSet):  # type: ignore[misc]
    status = filters.ChoiceFilter(choices=Operation.Status.choices)
    kind = filters.ChoiceFilter(choices=kind_choices)
    category = filters.ChoiceFilter(field_name="error_category", choices=CATEGORY_CHOICES)
    session = filters.UUIDFilter(field_name="session_id")

    class Meta:
        model = Operation
        fields: ClassVar[list[str]] = []
