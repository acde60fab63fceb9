"""Small tasks that an application lets the supervisor do now and then, beside its own chores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model, QuerySet


@dataclass(frozen=True)
class Task:
    do: Callable[[], object]
    """Bounded: the sweep waits for it. Repeatable, by several supervisors at once."""
    interval_seconds: float


Row = TypeVar("Row", bound=Model)

_tasks: list[Task] = []


def add_task(do: Callable[[], object], *, interval_seconds: float) -> None:
    _tasks.append(Task(do, interval_seconds))


def all_tasks() -> tuple[Task, ...]:
    return tuple(_tasks)


def delete_oldest(rows: QuerySet[Row], by: str, *, most: int) -> int:
    """Delete at most so many of these rows, the oldest `by` this field first; how many went, with
    what hung on them."""
    chosen = list(rows.order_by(by).values_list("pk", flat=True)[:most])
    return rows.filter(pk__in=chosen).delete()[0] if chosen else 0
