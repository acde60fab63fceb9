"""What must be true of the rows, whatever was killed. Each check returns its violations as text.

`LIVE` holds at every moment; `SETTLED` once nothing is pending or running any more. None of them
trusts the engine: they read rows, and the state machine is written down here a second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Q, Sum

from interview_app.models import Answer, Feedback, Question, SecondOpinion
from interview_app.queries import (
    FEEDBACK_ANALYSIS,
    FOLLOW_UP_QUESTION,
    QUESTION_GENERATION,
    SECOND_OPINION,
)
from operations import events, metrics
from operations.database.clock import database_now
from operations.models import Attempt, Operation, OperationEvent
from operations.tests.judgement.kind import APPLIED

Check = Callable[[], list[str]]

ALLOWED = {
    ("", "pending"),
    ("", "completed"),  # needed no call
    ("pending", "running"),
    ("pending", "cancelled"),
    ("pending", "failed"),
    ("running", "pending"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("failed", "pending"),
    ("cancelled", "pending"),
}
LEAVES_A_FINAL_STATUS = events.RETRIED

CLOCK_TOLERANCE = timedelta(milliseconds=50)
"""Between the two looks of a check the database's clock goes on."""


def one_result_for_each_completed() -> list[str]:
    """I1: completed ⇔ exactly one result, and it carries the operation's last fence."""
    counted = Operation.objects.filter(kind="judgement").annotate(
        results=Count("events", filter=Q(events__name=APPLIED)),
        own_results=Count("events", filter=Q(events__name=APPLIED, events__fence=F("fence"))),
    )
    completed = Q(status=Operation.Status.COMPLETED)
    wrong = counted.exclude(completed & Q(results=1, own_results=1)).exclude(
        ~completed & Q(results=0)
    )
    return [
        f"{operation} is {operation.status} with {operation.results} results" for operation in wrong
    ] + _interview_results()


def _interview_results() -> list[str]:
    """Unique constraints forbid two; here: none is missing, and none belongs to a failure."""
    wrong = []
    for kind, results in (
        (FEEDBACK_ANALYSIS, Feedback.objects.all()),
        (QUESTION_GENERATION, Question.objects.filter(follow_up_to=None)),
        (FOLLOW_UP_QUESTION, Question.objects.exclude(follow_up_to=None)),
        (SECOND_OPINION, SecondOpinion.objects.all()),
    ):
        of_kind = Operation.objects.filter(kind=kind)
        completed = set(
            of_kind.filter(status=Operation.Status.COMPLETED).values_list("pk", flat=True)
        )
        with_result = set(results.values_list("operation_id", flat=True))
        wrong += [f"{kind} {pk} is completed without a result" for pk in completed - with_result]
        wrong += [f"{kind} {pk} has a result, not completed" for pk in with_result - completed]
    return wrong


def open_attempts_belong_to_their_run() -> list[str]:
    """I2: an open attempt belongs to a running operation and carries its fence."""
    stray = Attempt.objects.filter(outcome=Attempt.Outcome.RUNNING).exclude(
        operation__status=Operation.Status.RUNNING, operation__fence=F("fence")
    )
    return [f"{attempt} is open, its operation is not running it" for attempt in stray]


def fence_never_falls() -> list[str]:
    """I3. A refused stale write is told with the fence it met and locks nothing: left out."""
    fences = _by_operation(
        OperationEvent.objects.exclude(name=events.FENCED)
        .order_by("id")
        .values_list("operation_id", "fence")
    )
    for pk, fence in Operation.objects.values_list("pk", "fence"):
        fences[pk].append(fence)
    return [
        f"fence of {pk} fell: {values}" for pk, values in fences.items() if values != sorted(values)
    ]


def only_allowed_transitions() -> list[str]:
    """I4: the events of an operation are a path through the state machine, to where it is now."""
    paths = _by_operation(
        (pk, (name, old, new))
        for pk, name, old, new in OperationEvent.objects.exclude(to_status="")
        .order_by("id")
        .values_list("operation_id", "name", "from_status", "to_status")
    )
    wrong = []
    for pk, status in Operation.objects.values_list("pk", "status"):
        wrong += [f"{pk}: {fault}" for fault in _faults_of_path(paths[pk], status)]
    return wrong


def _faults_of_path(path: list[tuple[str, str, str]], status: str) -> Iterable[str]:
    at = ""
    for name, old, new in path:
        if old != at:
            yield f"{name} starts at {old!r}, the row was {at!r}"
        if old != new and (old, new) not in ALLOWED:
            yield f"{name} went from {old!r} to {new!r}"
        if old in ("failed", "cancelled", "completed") and name != LEAVES_A_FINAL_STATUS:
            yield f"{name} left the final status {old!r}"
        at = new
    if at != status:
        yield f"the row is {status!r}, its events end at {at!r}"


def leases_are_bounded() -> list[str]:
    """I5: nobody holds an operation for longer than a lease without a further heartbeat."""
    expiries = list(
        Operation.objects.filter(status=Operation.Status.RUNNING).values_list(
            "pk", "lease_expires_at"
        )
    )
    lease = timedelta(seconds=settings.OPERATIONS_LEASE_SECONDS)
    limit = database_now() + lease + CLOCK_TOLERANCE
    return [
        f"{pk} is leased until {expiry}" for pk, expiry in expiries if expiry and expiry > limit
    ]


def everything_is_final() -> list[str]:
    """I6: nothing is stuck."""
    return [
        f"{operation} is still {operation.status} ({operation.waiting_reason})"
        for operation in Operation.objects.filter(status__in=Operation.UNFINISHED)
    ]


def attempts_are_counted() -> list[str]:
    """I8: as many attempts as the row says, numbered without a gap, in its run as well."""
    numbers = _by_operation(
        Attempt.objects.order_by("number").values_list("operation_id", "number")
    )
    in_run: dict[tuple[UUID, int], int] = defaultdict(int)
    for pk, run in Attempt.objects.values_list("operation_id", "run"):
        in_run[pk, run] += 1
    wrong = []
    for operation in Operation.objects.all():
        pk = operation.pk
        if numbers[pk] != list(range(1, operation.attempts + 1)):
            wrong.append(f"{pk} counts {operation.attempts} attempts, the ledger has {numbers[pk]}")
        if in_run[pk, operation.run] != operation.run_attempts:
            wrong.append(f"{pk} counts {operation.run_attempts} in its run, not so the ledger")
    return wrong


def completed_by_one_attempt() -> list[str]:
    """The attempt that succeeded is one, the last, and of the operation's fence."""
    completed = Operation.objects.filter(status=Operation.Status.COMPLETED, attempts__gt=0)
    counted = completed.annotate(
        succeeded=Count(
            "attempt_ledger", filter=Q(attempt_ledger__outcome=Attempt.Outcome.SUCCEEDED)
        ),
        own=Count(
            "attempt_ledger",
            filter=Q(
                attempt_ledger__outcome=Attempt.Outcome.SUCCEEDED,
                attempt_ledger__fence=F("fence"),
                attempt_ledger__number=F("attempts"),
            ),
        ),
    )
    wrong = counted.exclude(succeeded=1, own=1)
    elsewhere = Attempt.objects.filter(outcome=Attempt.Outcome.SUCCEEDED).exclude(
        operation__status=Operation.Status.COMPLETED
    )
    return [f"{operation} has {operation.succeeded} succeeded attempts" for operation in wrong] + [
        f"{attempt} succeeded, its operation is not completed" for attempt in elsewhere
    ]


def losses_are_counted() -> list[str]:
    """A run's losses are its rescues; a person's retry starts at none again."""
    losses: dict[UUID, int] = defaultdict(int)
    told = OperationEvent.objects.filter(name__in=(events.RESCUED, events.RETRIED)).order_by("id")
    for pk, name in told.values_list("operation_id", "name"):
        losses[pk] = losses[pk] + 1 if name == events.RESCUED else 0
    return [
        f"{pk} counts {counted} losses, its events {losses[pk]}"
        for pk, counted in Operation.objects.values_list("pk", "losses")
        if counted != losses[pk]
    ]


def bill_adds_up() -> list[str]:
    """Tokens of an operation are those of all its attempts, the refused ones too."""
    wrong = []
    for operation in Operation.objects.filter(attempts__gt=0).annotate(
        input_sum=Sum("attempt_ledger__input_tokens"),
        output_sum=Sum("attempt_ledger__output_tokens"),
    ):
        row = (operation.input_tokens, operation.output_tokens)
        ledger = (operation.input_sum, operation.output_sum)
        if row != ledger:
            wrong.append(f"{operation.pk} was billed {row}, its attempts {ledger}")
    return wrong


def metrics_agree() -> list[str]:
    """Counters were written with what they count, so that no kill can part them."""
    counted: dict[str, int] = defaultdict(int)
    for (name, _, bucket), sample in metrics.snapshot().items():
        if bucket == metrics.COUNTER:
            counted[name] += sample.count
    final = OperationEvent.objects.filter(
        to_status__in=("completed", "failed", "cancelled")
    ).exclude(from_status=F("to_status"))
    twice = Attempt.objects.filter(possibly_paid_twice=True)
    wrong = []
    for name, rows in ((metrics.OPERATIONS, final.count()), (metrics.PAID_TWICE, twice.count())):
        if counted[name] != rows:
            wrong.append(f"{name} says {counted[name]}, the rows {rows}")
    return wrong


LIVE: dict[str, Check] = {
    "I2 open attempts belong to their run": open_attempts_belong_to_their_run,
    "I5 leases are bounded": leases_are_bounded,
}
SETTLED: dict[str, Check] = {
    "I1 one result for each completed operation": one_result_for_each_completed,
    "I2 open attempts belong to their run": open_attempts_belong_to_their_run,
    "I3 the fence never falls": fence_never_falls,
    "I4 only allowed transitions": only_allowed_transitions,
    "I5 leases are bounded": leases_are_bounded,
    "I6 everything is final": everything_is_final,
    "I8 attempts are counted": attempts_are_counted,
    "completed by one attempt": completed_by_one_attempt,
    "losses are counted": losses_are_counted,
    "the bill adds up": bill_adds_up,
    "metrics agree with the rows": metrics_agree,
}


def violations(checks: Mapping[str, Check]) -> list[str]:
    """Every violation of every check, each with the check's name."""
    return [f"{name}: {fault}" for name, check in checks.items() for fault in check()]


def calls_have_attempts(calls: int) -> list[str]:
    """I7: no call without an attempt that was committed before it; no answer without a call.

    An attempt may lack its call: its worker died between the commit and the request.
    """
    attempts = Attempt.objects.count()
    answered = Attempt.objects.filter(
        Q(outcome=Attempt.Outcome.SUCCEEDED) | Q(http_status__isnull=False)
    ).count()
    if answered <= calls <= attempts:
        return []
    return [f"I7: {attempts} attempts, {calls} calls at the provider, {answered} answered"]


def submitted_are_there(confirmed: Iterable[UUID]) -> list[str]:
    """0 lost: what was confirmed to the person who submitted it has a row."""
    rows = set(Operation.objects.values_list("pk", flat=True))
    return [f"operation {pk} was confirmed and is gone" for pk in confirmed if pk not in rows]


def answers_are_word_for_word(*, confirmed: Mapping[str, str], sent: Iterable[str]) -> list[str]:
    """Every answer that got a 201 is stored as typed, once, with its analysis."""
    stored = {str(pk): text for pk, text in Answer.objects.values_list("pk", "text")}
    times: dict[str, int] = defaultdict(int)
    for text in stored.values():
        times[text] += 1
    analysed = set(
        Operation.objects.filter(kind=FEEDBACK_ANALYSIS).values_list("subject_id", flat=True)
    )
    wrong = [f"answer {pk} is gone" for pk in confirmed if pk not in stored]
    wrong += [
        f"answer {pk} was changed"
        for pk, text in confirmed.items()
        if pk in stored and stored[pk] != text
    ]
    wrong += [f"answer {pk} has no analysis" for pk in confirmed if pk not in analysed]
    wrong += [f"an answer is stored {times[text]} times" for text in sent if times[text] > 1]
    return wrong


def _by_operation(rows: Iterable[tuple[UUID, Any]]) -> dict[UUID, list[Any]]:
    grouped: dict[UUID, list[Any]] = defaultdict(list)
    for pk, value in rows:
        grouped[pk].append(value)
    return grouped
