"""What must be true of every row at every moment at which no transaction is open.

Each check yields sentences; an empty list is a sound ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from operations import events
from operations.database.clock import database_now
from operations.engine.transitions import MAX_LOSSES, lease_length
from operations.models import Attempt, Operation, OperationEvent
from operations.tests.judgement.kind import APPLIED

LEGAL_MOVES = {
    ("", "pending"),
    ("", "completed"),
    ("pending", "running"),
    ("pending", "failed"),
    ("pending", "cancelled"),
    ("running", "running"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "pending"),
    ("running", "cancelled"),
    ("failed", "pending"),
    ("cancelled", "pending"),
}
CLOCK_SLACK = timedelta(seconds=0.1)


def violations() -> list[str]:
    """Everything that is wrong in the ledger, in the words of the rule that it breaks."""
    found = []
    for operation in Operation.objects.prefetch_related("attempt_ledger", "events"):
        ledger = sorted(operation.attempt_ledger.all(), key=lambda attempt: attempt.number)
        history = sorted(operation.events.all(), key=lambda event: event.pk)
        for check in (
            one_result_iff_completed(operation, ledger, history),
            one_open_call_iff_running(operation, ledger),
            history_is_a_legal_walk(operation, history),
            lease_is_bounded(operation),
            ledger_is_counted(operation, ledger),
            losses_are_counted(operation, history),
            wishes_end_with_the_run(operation),
        ):
            found += [f"{operation.pk} {operation.status}: {sentence}" for sentence in check]
    return found


def one_result_iff_completed(
    operation: Operation, ledger: list[Attempt], history: list[OperationEvent]
) -> Iterator[str]:
    """I1. The result carries the fence of the run that completed the operation."""
    completed = operation.status == Operation.Status.COMPLETED
    results = [event.fence for event in history if event.name == APPLIED]
    paid = [attempt.fence for attempt in ledger if attempt.outcome == Attempt.Outcome.SUCCEEDED]
    expected = [operation.fence] if completed and operation.attempts else []
    if results != expected:
        yield f"I1 results with fences {results}, expected {expected}"
    if paid != expected:
        yield f"I1 successful attempts with fences {paid}, expected {expected}"


def one_open_call_iff_running(operation: Operation, ledger: list[Attempt]) -> Iterator[str]:
    """I2. A running operation has one open call with its fence, or backs off and has none."""
    open_calls = [a.fence for a in ledger if a.outcome == Attempt.Outcome.RUNNING]
    if operation.status != Operation.Status.RUNNING:
        if open_calls:
            yield f"I2 open calls {open_calls} although it does not run"
        return
    backs_off = operation.waiting_reason == Operation.Waiting.BACKOFF
    if open_calls != ([] if backs_off else [operation.fence]):
        yield f"I2 open calls {open_calls}, fence {operation.fence}, backs off: {backs_off}"


def history_is_a_legal_walk(operation: Operation, history: list[OperationEvent]) -> Iterator[str]:
    """I3 and I4. Each event starts where the last one ended; the fence never falls; what ended is
    moved by a retry alone; the last event says where the row is."""
    status, fence = "", 0
    for event in history:
        if event.fence < fence:
            yield f"I3 fence fell from {fence} to {event.fence} at {event.name}"
        fence = event.fence
        if not event.to_status:
            continue
        if event.from_status != status or (status, event.to_status) not in LEGAL_MOVES:
            yield f"I4 {event.name}: {event.from_status} → {event.to_status} while {status}"
        ended = status in {"completed", "failed", "cancelled"}
        if ended and event.name != events.RETRIED:
            yield f"I4 {event.name} moved what had ended"
        status = event.to_status
    if history and (status, fence) != (operation.status, operation.fence):
        yield f"I4 history ends {status} with fence {fence}, row has {operation.fence}"


def lease_is_bounded(operation: Operation) -> Iterator[str]:
    """I5. No lease reaches further than its length from now, whoever set it."""
    if operation.lease_expires_at is None:
        return
    if operation.lease_expires_at > database_now() + lease_length() + CLOCK_SLACK:
        yield f"I5 lease until {operation.lease_expires_at}"


def ledger_is_counted(operation: Operation, ledger: list[Attempt]) -> Iterator[str]:
    """I8. Counters are the number of rows, numbered from one without a gap."""
    numbers = [attempt.number for attempt in ledger]
    if numbers != list(range(1, operation.attempts + 1)):
        yield f"I8 attempts {operation.attempts}, ledger {numbers}"
    in_run = sum(attempt.run == operation.run for attempt in ledger)
    if in_run != operation.run_attempts:
        yield f"I8 attempts of this run {operation.run_attempts}, ledger {in_run}"


def losses_are_counted(operation: Operation, history: list[OperationEvent]) -> Iterator[str]:
    """I9. Each rescue since the last retry counts, and there are never more than the limit."""
    rescues = 0
    for event in history:
        rescues += event.name == events.RESCUED
        if event.name == events.RETRIED:
            rescues = 0
    if not operation.losses == rescues <= MAX_LOSSES:
        yield f"I9 losses {operation.losses}, rescues {rescues}"


def wishes_end_with_the_run(operation: Operation) -> Iterator[str]:
    """I10. Only what runs can be asked to stop; only what is unfinished has a time to wait for."""
    if operation.status != Operation.Status.RUNNING and operation.cancel_requested_at:
        yield "I10 asked to stop although it does not run"
    if operation.is_final and operation.next_attempt_at:
        yield "I10 waits although it has ended"
