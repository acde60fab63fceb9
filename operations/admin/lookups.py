"""What may be asked of a list through its address: the explicit names, and the shape of each value.

The admin by itself takes any look-up on any column of the model, and the number of rows then
answers yes or no about what the asker may not read. Here a name that is not listed is a 400, and a
value that no database could compare (NUL, a number too large, no date) leads back to the whole
list, as Django does with values that it knows to be wrong. See docs/decisions/0017.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, SEARCH_VAR
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.dateparse import parse_datetime

if TYPE_CHECKING:
    AdminBase = admin.ModelAdmin[Any]
else:
    AdminBase = admin.ModelAdmin

Check = Callable[[str], bool]
Lookups = Mapping[str, Check]

TEXT_MAX_LENGTH = 200
SEARCH_MAX_LENGTH = 500
"""A condition a word: SQLite refuses an expression that is nested 1,000 deep."""
ORDER = re.compile(r"-?[0-9]{1,2}(\.-?[0-9]{1,2}){0,19}")


def is_text(value: str) -> bool:
    return len(value) <= TEXT_MAX_LENGTH and "\0" not in value


def is_number(value: str) -> bool:
    """An id or a count that fits the smallest integer column that is asked for: 32 bits."""
    return re.fullmatch(r"[0-9]{1,9}", value) is not None


def is_uuid(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True


def is_flag(value: str) -> bool:
    return value in ("0", "1", "True", "False")


def is_moment(value: str) -> bool:
    """A date and time with its offset, in a year that has one before and one after it."""
    try:
        moment = parse_datetime(value)
    except ValueError:
        return False
    return moment is not None and moment.tzinfo is not None and 1 < moment.year < 9998


def is_year(value: str) -> bool:
    return re.fullmatch(r"[0-9]{4}", value) is not None and 1 < int(value) < 9998


def is_month_or_day(value: str) -> bool:
    return re.fullmatch(r"[0-9]{1,2}", value) is not None


def choice(name: str) -> dict[str, Check]:
    """What the side filter of a column with fixed choices sends."""
    return {f"{name}__exact": is_text}


def flag(name: str) -> dict[str, Check]:
    return {f"{name}__exact": is_flag}


def period(name: str) -> dict[str, Check]:
    """What the side filter of a date and the drill-down above a list send."""
    return {
        f"{name}__gte": is_moment,
        f"{name}__lt": is_moment,
        f"{name}__year": is_year,
        f"{name}__month": is_month_or_day,
        f"{name}__day": is_month_or_day,
    }


class ListedLookupsAdmin(AdminBase):
    """Every admin of this site is one: a test walks them."""

    lookups: ClassVar[Lookups]

    document: ClassVar[str] = "operating"
    """Where the project's documents speak of this page: "name#anchor"."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in self.lookups

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # Columns need the room of the sidebar at 1280 px.
        context = {"is_nav_sidebar_enabled": False, **(extra_context or {})}
        return super().changelist_view(request, context)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Raises `IncorrectLookupParameters` for an odd value, before the database meets it."""
        if _is_odd(request.GET, self.lookups):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        if "\0" in object_id:  # PostgreSQL takes none
            return None
        # Django 5.2 asks an address with an empty `_to_field` for a field without a name.
        return super().get_object(request, object_id, from_field or None)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        # The suggestions beside a field of a form come here too, without a list.
        if not is_search(search_term):
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)


def is_search(value: str) -> bool:
    return len(value) <= SEARCH_MAX_LENGTH and "\0" not in value


def _is_odd(query: QueryDict, lookups: Lookups) -> bool:
    if not is_search(str(query.get(SEARCH_VAR, ""))):
        return True
    if (order := query.get(ORDER_VAR)) and not ORDER.fullmatch(str(order)):
        return True
    return any(
        # No page sends a filter twice, and a thousand times is more than a statement can hold.
        len(values) > 1 or not lookups[name](values[0])
        for name, values in query.lists()
        if name in lookups
    )
