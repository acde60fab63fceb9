"""Small tasks that an application lets the supervisor do now and then, beside its own chores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    do: Callable[[], object]
    """Bounded: the sweep waits for it. Repeatable, by several supervisors at once."""
    interval_seconds: float


_tasks: list[Task] = []


def add_task(do: Callable[[], object], *, interval_seconds: float) -> None:
    _tasks.append(Task(do, interval_seconds))


def all_tasks() -> tuple[Task, ...]:
    return tuple(_tasks)
