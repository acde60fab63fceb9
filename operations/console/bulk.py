"""One verb on many operations: drafted by a door, confirmed by a person, run by the supervisor.

A draft freezes which operations are meant. `run_due` does a slice of what is confirmed, item by
item through `operations.services`, so that each row has the same outcome as through any other door;
each item's outcome commits with its change, and a killed supervisor neither loses nor repeats one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

import structlog
from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, QuerySet, Value
from django.utils import timezone

from operations import events, services
from operations.database.trouble import is_trouble
from operations.errors import RULES, rule_of
from operations.models import BulkAction, BulkItem, Operation
from operations.refusals import (
    NotAcknowledgeable,
    NotCancellable,
    NotRetryable,
    OperationInProgress,
    OperationNotFound,
    Refusal,
    SubjectDeleted,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

logger = structlog.get_logger("operations")

SLICE_SECONDS = 0.5
"""How long the supervisor may be away from its other work."""

BATCH = 20
"""Items that commit together: a commit on SQLite costs as much as ten changes."""

WILL_FAIL_AGAIN = "will_fail_again"

DRAFTS_KEPT = timedelta(days=1)

WAITING = BulkItem.Outcome.WAITING
RETRY = BulkAction.Verb.RETRY
CANCEL = BulkAction.Verb.CANCEL
ACKNOWLEDGE = BulkAction.Verb.ACKNOWLEDGE

VERBS: dict[str, tuple[Callable[..., Operation], tuple[str, ...], type[Refusal]]] = {
    RETRY: (services.retry_operation, Operation.RETRYABLE, NotRetryable),
    CANCEL: (services.cancel_operation, Operation.UNFINISHED, NotCancellable),
    ACKNOWLEDGE: (services.acknowledge_operation, (Operation.Status.FAILED,), NotAcknowledgeable),
}


@transaction.atomic
def draft(
    *, verb: str, operations: QuerySet[Operation], actor: AbstractUser | None, query: str = ""
) -> BulkAction:
    """Freeze which operations are meant; nothing happens to them before `start`."""
    BulkAction.objects.filter(
        state=BulkAction.State.DRAFT, created_at__lt=timezone.now() - DRAFTS_KEPT
    ).delete()
    action = BulkAction.objects.create(
        verb=verb,
        actor=actor,  # type: ignore[misc]
        query=query[: BulkAction._meta.get_field("query").max_length],
    )
    _copy_ids(action, operations)
    return action


def _copy_ids(action: BulkAction, operations: QuerySet[Operation]) -> None:
    """INSERT … SELECT, which the ORM cannot say: 100,000 ids need not travel to us and back."""
    # Oldest first: the order in which they are done.
    chosen = operations.order_by("queued_at", "pk").values_list(
        Value(action.pk), "pk", Value(str(WAITING)), Value("")
    )
    try:
        sql, parameters = chosen.query.sql_with_params()
    except EmptyResultSet:  # a filter that nothing can match: no credential is paused any more
        return
    table = connection.ops.quote_name(BulkItem._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (action_id, operation_id, outcome, reason) {sql}",
            parameters,
        )


@dataclass(frozen=True)
class Skipped:
    code: str
    reason: str
    count: int


@dataclass(frozen=True)
class Advice:
    """Eligible, but it will probably fail again until somebody does something first."""

    error_code: str
    count: int
    remedy: str


@dataclass(frozen=True)
class DryRun:
    total: int
    eligible: int
    skipped: list[Skipped]
    doubtful: list[Advice]


def dry_run(action: BulkAction) -> DryRun:
    """What would become of the items if they were done now."""
    _, statuses, refusal = VERBS[action.verb]
    total = action.items.count()
    rows = operations_of(action)
    found = rows.count()
    in_status = rows.filter(status__in=statuses)
    able = in_status.filter(subject_deleted_at=None) if action.verb == RETRY else in_status
    in_status_count, able_count = in_status.count(), able.count()
    skipped = [
        Skipped(OperationNotFound.code, "deleted meanwhile", total - found),
        Skipped(refusal.code, str(refusal.message), found - in_status_count),
        Skipped(SubjectDeleted.code, str(SubjectDeleted.message), in_status_count - able_count),
    ]
    eligible = able_count
    if action.verb == RETRY:
        eligible = _distinct_free_subjects(able)
        reason = "the same work is under way, or is retried by another one of these"
        skipped.append(Skipped(OperationInProgress.code, reason, able_count - eligible))
    return DryRun(
        total=total,
        eligible=eligible,
        skipped=[each for each in skipped if each.count],
        doubtful=list(_doubtful(able)) if action.verb == RETRY else [],
    )


def operations_of(action: BulkAction) -> QuerySet[Operation]:
    return Operation.objects.filter(pk__in=action.items.values("operation_id")).order_by()


def _distinct_free_subjects(failed: QuerySet[Operation]) -> int:
    """One unfinished operation per kind and subject: how many of these may become pending."""
    subject = ("kind", "subject_type", "subject_id")
    twin = Operation.objects.filter(
        status__in=Operation.UNFINISHED, **{name: OuterRef(name) for name in subject}
    )
    free: int = failed.filter(~Exists(twin)).values(*subject).distinct().count()
    return free


def _doubtful(failed: QuerySet[Operation]) -> Iterator[Advice]:
    rows = failed.exclude(error_code="").values_list("error_code").annotate(n=Count("*"))
    for code, count in rows.order_by("-n"):
        rule = rule_of(code)
        if not rule.retryable:
            yield Advice(code, count, rule.remedy)


def _leave_out_doubtful(action: BulkAction) -> None:
    """By the rule that `retry_operations` goes by without `--hopeless`."""
    hopeless = [code for code, rule in RULES.items() if not rule.retryable]
    failed = operations_of(action).filter(error_code__in=hopeless)
    action.items.filter(outcome=WAITING, operation_id__in=failed.values("pk")).update(
        outcome=BulkItem.Outcome.SKIPPED, reason=WILL_FAIL_AGAIN, done_at=timezone.now()
    )


@transaction.atomic
def start(
    action: BulkAction,
    *,
    spread_seconds: int = 0,
    when: str = services.WHEN_POSSIBLE,
    note: str = "",
    leave_out_doubtful: bool = False,
) -> bool:
    """Confirm a draft: the supervisor does the rest. False where it was confirmed before.
    `leave_out_doubtful`: skip, of a retry, what will fail again until somebody does something."""
    # All of them at once meet a rate limit more likely than each did alone.
    options: dict[str, Any] = {"when": when, "defer": True} if action.verb == RETRY else {}
    if action.verb == ACKNOWLEDGE:
        options = {"note": note}
    started = BulkAction.objects.filter(pk=action.pk, state=BulkAction.State.DRAFT).update(
        state=BulkAction.State.RUNNING,
        options=options,
        spread_seconds=spread_seconds,
        started_at=timezone.now(),
    )
    if started and leave_out_doubtful and action.verb == RETRY:
        _leave_out_doubtful(action)
    if started:
        events.log_after_commit(events.BULK_STARTED, **_log_fields(action))
    return bool(started)


def stop(action: BulkAction) -> bool:
    """Leave the rest as it is. False where it had ended. What was done stays done."""
    return _end(action, BulkAction.State.STOPPED)


def _end(action: BulkAction, state: str) -> bool:
    ended = BulkAction.objects.filter(pk=action.pk, state=BulkAction.State.RUNNING).update(
        state=state, finished_at=timezone.now()
    )
    if ended:
        events.log_after_commit(events.BULK_FINISHED, **_log_fields(action), **outcomes(action))
    return bool(ended)


def outcomes(action: BulkAction) -> dict[str, int]:
    """How many items have which outcome."""
    rows = action.items.order_by().values_list("outcome").annotate(n=Count("*"))
    return dict.fromkeys(BulkItem.Outcome.values, 0) | dict(rows)


def run_due(*, seconds: float = SLICE_SECONDS) -> int:
    """Go on with confirmed actions for about so long. Returns how many items were done; any number
    of supervisors may do it at once."""
    end = time.monotonic() + seconds
    running = BulkAction.objects.filter(state=BulkAction.State.RUNNING).order_by("started_at")
    return sum(_run(action, end) for action in running)


def _run(action: BulkAction, end: float) -> int:
    done = 0
    while time.monotonic() < end:
        batch_done = _do_batch(action, _next_batch(action))
        if not batch_done:
            break
        done += batch_done
    if not action.items.filter(outcome=WAITING).exists():
        _end(action, BulkAction.State.DONE)
    return done


def _next_batch(action: BulkAction) -> list[BulkItem]:
    waiting = action.items.filter(outcome=WAITING).order_by("id")
    if not action.spread_seconds:
        return list(waiting[:BATCH])
    counts = outcomes(action)
    total = sum(counts.values())
    due = allowed(total, action.started_at, action.spread_seconds, timezone.now())
    return list(waiting[: max(0, min(BATCH, due - (total - counts[WAITING])))])


def allowed(total: int, started_at: datetime | None, spread_seconds: int, now: datetime) -> int:
    """How many of `total` may have been done by now when they are spread evenly."""
    if not spread_seconds or started_at is None:
        return total
    return min(total, ceil(total * (now - started_at).total_seconds() / spread_seconds))


def _do_batch(action: BulkAction, batch: list[BulkItem]) -> int:
    if not batch:
        return 0
    with transaction.atomic():
        # Locks the action: other supervisors wait here, and a stop waits for this batch.
        running = BulkAction.objects.select_for_update().filter(
            pk=action.pk, state=BulkAction.State.RUNNING
        )
        if not running.exists():
            return 0
        still_waiting = action.items.filter(
            pk__in=[item.pk for item in batch], outcome=WAITING
        ).order_by("id")
        return sum(_do(action, item) for item in still_waiting)


def _do(action: BulkAction, item: BulkItem) -> int:
    outcome, reason = _outcome(action, item)
    return BulkItem.objects.filter(pk=item.pk).update(
        outcome=outcome, reason=reason, done_at=timezone.now()
    )


def _outcome(action: BulkAction, item: BulkItem) -> tuple[str, str]:
    verb, _, _ = VERBS[action.verb]
    try:
        with transaction.atomic():
            verb(
                operation_id=item.operation_id,
                actor=action.actor,
                door=action.door,
                **action.options,
            )
    except Refusal as refusal:
        return BulkItem.Outcome.SKIPPED, refusal.code
    except Exception as error:  # our own bug: one poisoned item must not stop the supervisor
        if is_trouble(error):
            raise  # the database's trouble, not this item's
        logger.exception("bulk.item_crashed", operation_id=str(item.operation_id))
        return BulkItem.Outcome.FAILED, type(error).__name__[:40]
    return BulkItem.Outcome.CHANGED, ""


def _log_fields(action: BulkAction) -> dict[str, Any]:
    return {"bulk_action": action.pk, "verb": action.verb, "user_id": action.actor_id}


def may(user: Any, verb: str) -> bool:
    """Many at once is a permission of its own, beside the verb's."""
    single = CANCEL if verb == CANCEL else RETRY
    return bool(user.has_perms(("operations.bulk_operation", f"operations.{single}_operation")))
