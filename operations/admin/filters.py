"""What the list of operations can be narrowed to. Counts stand beside what is worth choosing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, QueryDict

from operations.admin.subjects import session_states
from operations.console.counts import WINDOWS
from operations.database.clock import database_now
from operations.database.states import STATES, in_state
from operations.errors import RULES, Category
from operations.kinds import all_kinds
from operations.models import Operation

if TYPE_CHECKING:
    Choice = dict[str, Any]

SIMULATED = "simulated"
MODELS_FROM = 1000
"""The models to choose from are those of the newest so many operations."""


class Filter(admin.SimpleListFilter):
    """One query parameter with a list of values; a value that is none of them filters nothing.
    Folded until something is chosen: seven open ones would push the rows below the fold."""

    template = "admin/operations/operation/_filter.html"

    def choice(self, changelist: Any, value: str, label: str, count: int | None = None) -> Choice:
        return {
            "selected": self.value() == value,
            "query_string": changelist.get_query_string({self.parameter_name: value}),
            "display": label if count is None else f"{label} ({count:,})",
        }

    def every(self, changelist: Any) -> Choice:
        return {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name or ""]),
            "display": "All",
        }

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield self.every(changelist)
        for value, label in self.lookup_choices:
            yield self.choice(changelist, value, str(label))


ATTENTION = "attention"
"""What somebody has to do something about: shown where nothing is asked for."""

NEEDS_ATTENTION = ("failed", "stuck", "paused")
ALL = "all"
PAGING = {"p", "o", "all"}
"""Parameters that ask for nothing: which page, in which order."""


def asks_for_nothing(query: QueryDict) -> bool:
    return set(query) <= PAGING


class StateFilter(Filter):
    """Chosen by the chips above the list, so it has no block of its own. A list that is asked for
    nothing shows what needs attention; every other choice is of all states."""

    template = "admin/operations/operation/_no_filter.html"
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*STATES.items(), (ATTENTION, "Needs attention"), (ALL, "All")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Operation]
    ) -> QuerySet[Operation] | None:
        state = ATTENTION if asks_for_nothing(request.GET) else self.value()
        if state == ATTENTION:
            return queryset.filter(in_state(*NEEDS_ATTENTION))
        return queryset.filter(in_state(state)) if state in STATES else None


class EndedFilter(Filter):
    title = "time since its end"
    parameter_name = "ended"
    labels = {"15m": "15 minutes", "1h": "hour", "24h": "24 hours", "7d": "7 days"}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(window, f"Last {self.labels[window]}") for window in WINDOWS]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Operation]
    ) -> QuerySet[Operation] | None:
        length = WINDOWS.get(self.value() or "")
        return queryset.filter(finished_at__gte=database_now() - length) if length else None


class ErrorFilter(Filter):
    """Each value with the number of failed rows that all filters but these two leave for it."""

    field: str

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Operation]
    ) -> QuerySet[Operation] | None:
        value = self.value()
        return queryset.filter(**{self.field: value}) if value else None

    def choices(self, changelist: Any) -> Iterator[Any]:
        counts = self.counts(_error_counts(self.request, changelist))
        yield self.every(changelist)
        for value, label in self.lookup_choices:
            if value in counts or value == self.value():
                yield self.choice(changelist, value, str(label), counts.get(value, 0))

    def counts(self, errors: list[tuple[str, str, int]]) -> dict[str, int]:
        raise NotImplementedError


class CategoryFilter(ErrorFilter):
    title = "error category"
    parameter_name = "category"
    field = "error_category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(category), str(category)) for category in Category]

    def counts(self, errors: list[tuple[str, str, int]]) -> dict[str, int]:
        sums: dict[str, int] = {}
        for category, _, count in errors:
            sums[category] = sums.get(category, 0) + count
        return sums


class CodeFilter(ErrorFilter):
    title = "error code"
    parameter_name = "code"
    field = "error_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        chosen = request.GET.get(CategoryFilter.parameter_name)
        return [(code, code) for code, rule in RULES.items() if chosen in (None, rule.category)]

    def counts(self, errors: list[tuple[str, str, int]]) -> dict[str, int]:
        return {code: count for _, code, count in errors}


def _error_counts(request: HttpRequest, changelist: Any) -> list[tuple[str, str, int]]:
    """(category, code, number), for both filters in one query. What is acknowledged is set aside,
    as in the list, unless it is asked for."""
    known: list[tuple[str, str, int]] | None = getattr(changelist, "error_counts", None)
    if known is None:
        rows: QuerySet[Operation] = changelist.get_queryset(
            request,
            exclude_parameters=[CategoryFilter.parameter_name, CodeFilter.parameter_name],
        )
        rows = rows.filter(status=Operation.Status.FAILED).order_by()
        if request.GET.get(StateFilter.parameter_name) != "acknowledged":
            rows = rows.filter(acknowledged_at=None)
        by_code = rows.values_list("error_category", "error_code").annotate(n=Count("*"))
        known = changelist.error_counts = list(by_code)
    return known


class KindFilter(Filter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.name, str(kind.label)) for kind in all_kinds()]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Operation]
    ) -> QuerySet[Operation] | None:
        return queryset.filter(kind=self.value()) if self.value() else None


class ModelFilter(Filter):
    title = "model"
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(settings.OPENAI_MODEL, settings.OPENAI_MODEL)]  # the rest when it is drawn

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Operation]
    ) -> QuerySet[Operation] | None:
        if self.value() == SIMULATED:
            return queryset.filter(simulated=True)
        return queryset.filter(model=self.value()) if self.value() else None

    def choices(self, changelist: Any) -> Iterator[Any]:
        newest = Operation.objects.order_by("-created_at", "-id").values_list("model", flat=True)
        models = {settings.OPENAI_MODEL, self.value() or "", *newest[:MODELS_FROM]}
        yield self.every(changelist)
        for model in [*sorted(models - {"", SIMULATED}), SIMULATED]:
            yield self.choice(changelist, model, model)


class TriesFilter(Filter):
    title = "attempts"
    parameter_name = "tries"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("again", "More than one"), ("runs", "Retried by a person"), ("lost", "Lost one")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Operation]
    ) -> QuerySet[Operation] | None:
        conditions = {
            "again": {"attempts__gt": 1},
            "runs": {"run__gt": 1},
            "lost": {"losses__gt": 0},
        }
        chosen = conditions.get(self.value() or "")
        return queryset.filter(**chosen) if chosen else None


class SessionFilter(Filter):
    """By the status of the operation's session, where an application has said what it can be."""

    title = "session's status"
    parameter_name = "session_status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(session_states.labels.items())

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Operation]
    ) -> QuerySet[Operation] | None:
        if session_states.having is None or self.value() not in session_states.labels:
            return None
        return queryset.filter(session_id__in=session_states.having(str(self.value())).values("pk"))
