"""Numbers to coordinates: sparklines and the timeline as plain SVG, which needs no script.

Only geometry: colours are classes of the stylesheet, and each picture has its numbers as text too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from operations.admin import words
from operations.console.history import Stretch
from operations.models import Attempt, Operation

SPARK_WIDTH, SPARK_HEIGHT = 300, 44
STRIP_WIDTH = 1000.0
LABEL_WIDTH = 35.0
LEAST_WIDTH = 3.0
"""What took no time must still be seen."""


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    css: str
    title: str


def throughput_bars(buckets: Sequence[Stretch], clock: str = "%H:%M") -> list[Bar]:
    """Completed at the bottom, failed on top of it. `clock`: the form of the times."""
    highest = max((bucket.completed + bucket.failed for bucket in buckets), default=0) or 1
    step = SPARK_WIDTH / len(buckets)
    bars = []
    for number, bucket in enumerate(buckets):
        title = f"{bucket.at:{clock}}: {bucket.completed} completed, {bucket.failed} failed"
        done = SPARK_HEIGHT * bucket.completed / highest
        lost = SPARK_HEIGHT * bucket.failed / highest
        x = round(number * step, 1)
        for height, top, css in ((done, done, "completed"), (lost, done + lost, "failed")):
            if height:
                bars.append(
                    Bar(x, round(SPARK_HEIGHT - top, 1), step - 2, round(height, 1), css, title)
                )
    return bars


def latency_lines(buckets: Sequence[Stretch]) -> dict[str, str]:
    """Points of the two percentiles; buckets without a call are left out."""
    highest = max((bucket.p95_ms or 0 for bucket in buckets), default=0) or 1
    step = SPARK_WIDTH / len(buckets)

    room = SPARK_HEIGHT - 4

    def points(values: list[int | None]) -> str:
        return " ".join(
            f"{(number + 0.5) * step:.1f},{2 + room * (1 - ms / highest):.1f}"
            for number, ms in enumerate(values)
            if ms is not None
        )

    return {
        "median": points([bucket.median_ms for bucket in buckets]),
        "p95": points([bucket.p95_ms for bucket in buckets]),
    }


@dataclass(frozen=True)
class Span:
    """A stretch of a run: a call, or the wait after it."""

    x: float
    width: float
    css: str
    title: str
    label: str


@dataclass(frozen=True)
class Strip:
    """One run, drawn to scale from its first call to its last."""

    run: int
    started_at: datetime
    length: str
    spans: list[Span]
    ticks: list[tuple[float, str]]


def strips(operation: Operation, attempts: list[Attempt], now: datetime) -> list[Strip]:
    runs = sorted({attempt.run for attempt in attempts})
    return [
        _strip(operation, run, [each for each in attempts if each.run == run], now) for run in runs
    ]


def _strip(operation: Operation, run: int, attempts: list[Attempt], now: datetime) -> Strip:
    begin = attempts[0].started_at
    ends = [attempt.finished_at or now for attempt in attempts]
    ends += [
        end + timedelta(seconds=attempt.wait_seconds)
        for attempt, end in zip(attempts, ends, strict=True)
        if attempt.wait_seconds and attempt is not attempts[-1]
    ]
    if run == operation.run and operation.next_attempt_at and not operation.is_final:
        ends.append(operation.next_attempt_at)
    total = max((max(ends) - begin).total_seconds(), 0.001)
    spans = list(_spans(operation, attempts, begin, total, now))
    return Strip(run, begin, words.length(total), spans, _ticks(total))


def _spans(
    operation: Operation, attempts: list[Attempt], begin: datetime, total: float, now: datetime
) -> Iterator[Span]:
    for attempt in attempts:
        end = attempt.finished_at or now
        took = (end - attempt.started_at).total_seconds()
        what = attempt.error_code or attempt.outcome
        yield _span(
            (attempt.started_at - begin).total_seconds(),
            took,
            total,
            css=f"call {attempt.outcome}",
            title=f"Attempt {attempt.number}: {what}, {words.length(took)}",
            label=str(attempt.number),
        )
        is_last = attempt is attempts[-1]
        still_waits = operation.run == attempt.run and not operation.is_final
        if attempt.wait_seconds and (not is_last or still_waits):
            yield _span(
                (end - begin).total_seconds(),
                attempt.wait_seconds,
                total,
                css="wait",
                title=f"Wait before the next call: {words.length(attempt.wait_seconds)}",
                label=words.length(attempt.wait_seconds),
            )


def _span(start: float, took: float, total: float, *, css: str, title: str, label: str) -> Span:
    x = STRIP_WIDTH * start / total
    width = max(LEAST_WIDTH, STRIP_WIDTH * took / total)
    x = max(0.0, min(x, STRIP_WIDTH - width))
    fits = width > 9 * len(label) + 4
    return Span(round(x, 1), round(width, 1), css, title, label if fits else "")


def _ticks(total: float) -> list[tuple[float, str]]:
    """A mark at each round number of seconds, at most ten of them; the last may lack the room for
    its label."""
    step = next(
        (s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 300, 600, 3600) if total / s <= 10),
        total / 5,
    )
    count = int(total / step)
    places = [STRIP_WIDTH * number * step / total for number in range(count + 1)]
    return [
        (round(x, 1), f"{number * step:g} s" if x < STRIP_WIDTH - LABEL_WIDTH else "")
        for number, x in enumerate(places)
    ]
