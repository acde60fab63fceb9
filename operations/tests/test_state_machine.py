"""Random walks over the real engine and the real rows; every rule of the ledger after every step.

Two workers claim, call, wait, finish, stall, die and come back late; people cancel and retry. A
step may also be rolled back (its process died before the commit) or run twice (the commit arrived,
its confirmation did not). Runs on whichever database the suite uses.
"""

from __future__ import annotations

import contextlib
import uuid
from collections import Counter
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import hypothesis
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from operations import services
from operations.engine import leases
from operations.engine.claims import claim_batch
from operations.engine.database_thread import DatabaseThread
from operations.engine.running import LeaseLost, Run
from operations.errors import Usage, error_from_code
from operations.kinds import ProviderReply
from operations.models import Operation
from operations.pauses import paused_credentials
from operations.refusals import NotCancellable, NotRetryable, OperationInProgress
from operations.tests.invariants import violations
from operations.tests.judgement.kind import Judgement, JudgementKind

pytestmark = pytest.mark.django_db

EXAMPLES = 30
STEPS = 50
SUBJECTS = ("one", "two", "three")
SESSION = uuid.UUID(int=1)
PAST = timedelta(hours=1)

REPLY = ProviderReply(
    content={"score": 7, "feedback": "Clear."},
    model="test-model",
    usage=Usage(input_tokens=9, output_tokens=12, cost_usd=None, model="test-model"),
    provider_request_id="req_1",
    simulated=False,
)
RESULT = Judgement(score=7, feedback="Clear.")

DEFERRED = "RATE_LIMIT_EXCEEDED"
FAILURES = ("SERVER_ERROR", "SERVER_ERROR", DEFERRED, "INVALID_API_KEY", "SCHEMA_MISMATCH")

happened: Counter[str] = Counter()
"""Over all walks: a walk that never met a stale worker would prove nothing."""


class Died(Exception):
    """The process ended before the commit."""


@dataclass(eq=False)
class Worker:
    """A drain's memory. What it believes to hold may have been taken from it long ago."""

    owner: uuid.UUID = field(default_factory=uuid.uuid4)
    calling: list[Run] = field(default_factory=list)
    sleeping: list[Run] = field(default_factory=list)

    @property
    def runs(self) -> list[Run]:
        return self.calling + self.sleeping


any_worker = st.sampled_from((0, 1))
any_pick = st.integers(min_value=0, max_value=10)
fate = st.sampled_from(("commits", "commits", "commits", "rolled back", "confirmation lost"))


def has_operations(walk: Walk) -> bool:
    return bool(walk.seen)


def has_pending(walk: Walk) -> bool:
    return any(status == "pending" for status, _ in walk.seen.values())


def has_running(walk: Walk) -> bool:
    return any(status == "running" for status, _ in walk.seen.values())


def has_calling(walk: Walk) -> bool:
    return any(worker.calling for worker in walk.workers)


def has_sleeping(walk: Walk) -> bool:
    return any(worker.sleeping for worker in walk.workers)


def has_runs(walk: Walk) -> bool:
    return has_calling(walk) or has_sleeping(walk)


class Walk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.workers = [Worker(), Worker()]
        self.seen: dict[uuid.UUID, tuple[str, int]] = {}
        self.retried: uuid.UUID | None = None
        self.chosen = self.workers[0]
        Operation.objects.all().delete()

    @initialize()
    def begin(self) -> None:
        for subject in SUBJECTS:
            self.submit_about(subject)

    # --- people ---------------------------------------------------------------------------------

    @rule(
        pick=any_pick, what=st.sampled_from(("submit", "cancel", "retry", "retry", "retry_later"))
    )
    @precondition(has_operations)
    def person_acts(self, pick: int, what: str) -> None:
        getattr(self, what)(self._picked(pick))

    def submit(self, twin: Operation) -> None:
        self.submit_about(twin.subject_id)

    def submit_about(self, subject: str) -> None:
        unfinished = Operation.objects.filter(
            subject_id=subject, status__in=Operation.UNFINISHED
        ).exists()
        try:
            services.submit_operation(
                kind="judgement",
                subject_type="test",
                subject_id=subject,
                session_id=SESSION,
                door="api",
            )
        except OperationInProgress:
            assert unfinished
        else:
            assert not unfinished

    def cancel(self, operation: Operation) -> None:
        try:
            services.cancel_operation(operation_id=operation.pk, door="api")
        except NotCancellable:
            assert operation.is_final
        else:
            assert not operation.is_final

    def retry(self, operation: Operation, when: str = services.NOW) -> None:
        try:
            services.retry_operation(operation_id=operation.pk, door="api", when=when)
        except NotRetryable:
            assert operation.status not in Operation.RETRYABLE
        except OperationInProgress:
            happened["retry beside a twin"] += 1
        else:
            happened["retry"] += 1
            self.retried = operation.pk

    def retry_later(self, operation: Operation) -> None:
        self.retry(operation, services.WHEN_POSSIBLE)

    # --- workers --------------------------------------------------------------------------------

    @rule(number=any_worker, limit=st.integers(1, 3), fate=fate)
    @precondition(has_pending)
    def claim(self, number: int, limit: int, fate: str) -> None:
        worker = self.workers[number]
        # Keys are mended at once: what a pause holds back is the matter of `test_claims`.
        for credential in paused_credentials():
            services.resume_provider(credential=credential)
        claims = self._write(partial(claim_batch, owner=worker.owner, limit=limit), fate)
        happened["claim"] += len(claims or ())
        if claims and fate == "commits":
            worker.calling += [Run(claim, DatabaseThread()) for claim in claims]

    @rule(pick=any_pick, fate=fate)
    @precondition(has_calling)
    def answer_comes(self, pick: int, fate: str) -> None:
        _, run = self._take(pick, "calling")
        run.reply = REPLY
        self._finish(run, partial(run._complete, REPLY, RESULT), fate)

    @rule(pick=any_pick, code=st.sampled_from(FAILURES), fate=fate)
    @precondition(has_calling)
    def call_fails(self, pick: int, code: str, fate: str) -> None:
        worker, run = self._take(pick, "calling")
        error = error_from_code(code, retry_after=5.0 if code == DEFERRED else None)
        if error.retried:
            if self._go_on(run, partial(run._note_failed_call, error, 1.0), fate):
                worker.sleeping.append(run)
        else:
            step = run._defer_or_fail if code == DEFERRED else run._fail_now
            self._finish(run, partial(step, error), fate)

    @rule(pick=any_pick, fate=fate, in_time=st.sampled_from((True, True, True, False)))
    @precondition(has_sleeping)
    def back_off_ends(self, pick: int, fate: str, in_time: bool) -> None:
        worker, run = self._take(pick, "sleeping")
        if not in_time:
            self._finish(run, partial(run._fail_now, error_from_code("SERVER_ERROR")), fate)
        elif self._go_on(run, run._start_attempt, fate):
            worker.calling.append(run)

    @rule(pick=any_pick, how=st.sampled_from(("_release", "_cancel")), fate=fate)
    @precondition(has_runs)
    def run_is_stopped(self, pick: int, how: str, fate: str) -> None:
        _, run = self._take(pick, "calling" if has_calling(self) else "sleeping")
        self._write_run(run, getattr(run, how), fate)

    @rule(number=any_worker, fate=fate)
    @precondition(has_runs)
    def heartbeat(self, number: int, fate: str) -> None:
        worker = self.workers[number]
        held = {run.claim.id for run in worker.runs}
        holding = self._write(partial(leases.beat, owner=worker.owner, held=held), fate)
        if holding is None:
            return
        for runs in (worker.calling, worker.sleeping):
            kept = [run for run in runs if holding.fences.get(run.claim.id) == run.claim.fence]
            happened["told by heartbeat"] += len(runs) - len(kept)
            runs[:] = kept

    # --- time and misfortune --------------------------------------------------------------------

    @rule()
    @precondition(has_running)
    def leases_end_and_are_swept(self) -> None:
        """The workers are only slow: they keep their runs and come back with stale results."""
        self.leases_end()
        self.sweep()

    @rule(
        pick=any_pick,
        what=st.sampled_from(
            (
                "leases_end",
                "sweep",
                "waits_end",
                "waits_end",
                "waits_are_too_long",
                "session_is_deleted",
                "worker_dies",
                "worker_is_buried",
            )
        ),
    )
    @precondition(has_operations)
    def something_happens(self, pick: int, what: str) -> None:
        self.chosen = self.workers[pick % 2]
        getattr(self, what)()

    def leases_end(self) -> None:
        Operation.objects.filter(status="running").update(lease_expires_at=timezone.now() - PAST)

    def sweep(self) -> None:
        report = leases.sweep()
        happened["rescued"] += report.rescued
        happened["expired"] += report.expired
        happened["poisoned"] += report.failed
        happened["cancelled by sweep"] += report.cancelled

    def waits_end(self) -> None:
        Operation.objects.filter(status="pending", next_attempt_at__isnull=False).update(
            next_attempt_at=timezone.now() - PAST
        )

    def waits_are_too_long(self) -> None:
        Operation.objects.filter(status="pending").update(
            queued_at=timezone.now() - timedelta(days=365)
        )

    def session_is_deleted(self) -> None:
        services.cancel_session_operations(session_id=SESSION, door="page")

    def worker_dies(self) -> None:
        self.workers[self.workers.index(self.chosen)] = Worker()

    def worker_is_buried(self) -> None:
        """A supervisor that saw it die ends its leases at once."""
        leases.end_leases_of(owner=self.chosen.owner)
        self.worker_dies()

    # --- what must hold -------------------------------------------------------------------------

    @invariant()
    def ledger_is_sound(self) -> None:
        assert violations() == []

    @invariant()
    def fence_never_falls_and_the_end_is_the_end(self) -> None:
        for pk, status, fence in Operation.objects.values_list("pk", "status", "fence"):
            was, before = self.seen.get(pk, (status, fence))
            assert fence >= before
            if was in {"completed", "failed", "cancelled"} and pk != self.retried:
                assert status == was
            if was == "completed":
                assert status == was
            self.seen[pk] = (status, fence)
        self.retried = None

    # --- how steps are done ---------------------------------------------------------------------

    def _picked(self, pick: int) -> Operation:
        operations = Operation.objects.order_by("created_at", "pk")
        return operations[pick % len(self.seen)]

    def _take(self, pick: int, where: str) -> tuple[Worker, Run]:
        """Take a run out of its worker's list; a step that it survives puts it back."""
        held = [(worker, run) for worker in self.workers for run in getattr(worker, where)]
        worker, run = held[pick % len(held)]
        getattr(worker, where).remove(run)
        return worker, run

    def _write(self, job: Callable[[], Any], fate: str) -> Any:
        """As the database thread does it: once, not at all, or twice for the same memory."""
        if fate == "rolled back":
            with contextlib.suppress(Died), transaction.atomic():
                job()
                raise Died
            return None
        if fate == "confirmation lost":
            with transaction.atomic():
                job()
        with transaction.atomic():
            return job()

    def _write_run(self, run: Run, step: Callable[[Operation], Any], fate: str) -> Any:
        changed: list[Operation] = []

        def job() -> Any:
            operation = copy(run.operation)
            result = step(operation)
            changed.append(operation)
            return result

        result = self._write(job, fate)
        run.claim.operation = changed[-1]
        return result

    def _finish(self, run: Run, step: Callable[[Operation], bool], fate: str) -> None:
        """The run's last step. It ends here whatever comes of it."""
        if self._write_run(run, step, fate) or fate == "rolled back":
            happened["finished"] += 1
            return
        happened["stale" if fate == "commits" else "second commit"] += 1
        self._write_run(run, run._mark_fenced, fate)

    def _go_on(self, run: Run, step: Callable[[Operation], None], fate: str) -> bool:
        """A step after which the run goes on, unless it learns that it is not its owner any more
        or dies."""
        try:
            self._write_run(run, step, fate)
        except LeaseLost:
            happened["stale"] += 1
            self._write_run(run, run._mark_fenced, fate)
            return False
        return fate != "rolled back"


def test_no_walk_breaks_a_rule_of_the_ledger(judgement: JudgementKind, settings: Settings) -> None:
    happened.clear()

    run_state_machine_as_test(
        Walk,
        settings=hypothesis.settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )

    for what in ("finished", "stale", "second commit", "rescued", "retry"):
        assert happened[what] > 0, f"no walk had a {what}: {happened}"
