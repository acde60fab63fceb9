"""Random walks over the real engine and the real rows; every rule of the ledger after every step.

Two workers claim, call, wait, finish, stall, die and come back late; people cancel and retry. A
step may also be rolled back (its process died before the commit) or run twice (the commit arrived,
its confirmation did not). Runs on whichever database the suite uses.
"""

from __future__ import annotations

import contextlib
import random
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import hypothesis
import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from operations import services
from operations.engine import leases
from operations.engine.calling import FailedCall, note_failed_calls, start_next_calls
from operations.engine.claims import claim_batch
from operations.engine.completing import Outcome, complete_together
from operations.engine.database_thread import DatabaseThread, Job, _in_savepoint
from operations.engine.failing import fail_together
from operations.engine.running import Run
from operations.engine.stopping import Stop, cancel_together, release_together
from operations.errors import OpenAIServiceError, Usage, error_from_code
from operations.kinds import ProviderReply
from operations.models import Operation
from operations.pauses import paused_credentials
from operations.refusals import NotCancellable, NotRetryable, OperationInProgress
from operations.tests.examples import examples
from operations.tests.invariants import violations
from operations.tests.judgement.kind import Judgement, JudgementKind

pytestmark = pytest.mark.django_db

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


MUST_HAPPEN = (
    "finished",
    "together",
    "failed together",
    "backed off together",
    "stale",
    "second commit",
    "rescued",
    "retry",
)
MOST_ROUNDS = 5


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


Step = Callable[[list[Any]], Sequence[Operation | None]]

FATES = ("commits", "commits", "commits", "rolled back", "confirmation lost")


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


ACTIONS: tuple[tuple[str, int, Callable[[Walk], bool]], ...] = (
    ("person_submits", 1, has_operations),
    ("person_cancels", 1, has_operations),
    ("person_retries", 3, has_operations),
    ("worker_claims", 6, has_pending),
    ("answer_comes", 3, has_calling),
    ("answers_come_together", 2, has_calling),
    ("call_fails", 3, has_calling),
    ("calls_fail_together", 2, has_calling),
    ("calls_fail_and_go_on_together", 2, has_calling),
    ("back_off_ends", 4, has_sleeping),
    ("run_is_stopped", 1, has_runs),
    ("heart_beats", 1, has_runs),
    ("leases_end", 1, has_running),
    ("leases_are_swept", 1, has_running),
    ("workers_are_slow", 4, has_running),
    ("waits_end", 2, has_pending),
    ("waits_are_too_long", 1, has_pending),
    ("session_is_deleted", 1, has_operations),
    ("worker_dies", 1, has_runs),
    ("worker_is_buried", 1, has_runs),
)


class Walk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.workers = [Worker(), Worker()]
        self.seen: dict[uuid.UUID, tuple[str, int]] = {}
        self.retried: uuid.UUID | None = None
        Operation.objects.all().delete()

    @initialize()
    def begin(self) -> None:
        for subject in SUBJECTS:
            self.submit_about(subject)

    @rule(seed=st.integers(0, 2**32 - 1))
    def step(self, seed: int) -> None:
        """One rule with weights of our own: hypothesis switches rules off for whole walks and likes
        small numbers, and a walk without late workers proves nothing."""
        dice = random.Random(seed)
        names = [name for name, _, able in ACTIONS if able(self)]
        weights = [weight for _, weight, able in ACTIONS if able(self)]
        (name,) = dice.choices(names, weights)
        pick, fate = dice.randrange(1000), dice.choice(FATES)
        hypothesis.note(f"{name}({pick}, {fate!r})")
        getattr(self, name)(pick, fate)

    # --- people ---------------------------------------------------------------------------------

    def person_submits(self, pick: int, fate: str) -> None:
        self.submit_about(SUBJECTS[pick % len(SUBJECTS)])

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

    def person_cancels(self, pick: int, fate: str) -> None:
        operation = self._picked(pick)
        try:
            services.cancel_operation(operation_id=operation.pk, door="api")
        except NotCancellable:
            assert operation.is_final
        else:
            assert not operation.is_final

    def person_retries(self, pick: int, fate: str) -> None:
        operation = self._picked(pick)
        when = services.WHEN_POSSIBLE if pick % 4 == 0 else services.NOW
        try:
            services.retry_operation(operation_id=operation.pk, door="api", when=when)
        except NotRetryable:
            assert not operation.can_be_retried
        except OperationInProgress:
            happened["retry beside a twin"] += 1
        else:
            happened["retry"] += 1
            self.retried = operation.pk

    # --- workers --------------------------------------------------------------------------------

    def worker_claims(self, pick: int, fate: str) -> None:
        worker, limit = self.workers[pick % 2], 1 + pick % 3
        # Keys are mended at once: what a pause holds back is the matter of `test_claims`.
        for credential in paused_credentials():
            services.resume_provider(credential=credential)
        claims = self._write(partial(claim_batch, owner=worker.owner, limit=limit), fate)
        happened["claim"] += len(claims or ())
        if claims and fate == "commits":
            worker.calling += [Run(claim, DatabaseThread()) for claim in claims]

    def answer_comes(self, pick: int, fate: str) -> None:
        _, run = self._take(pick, "calling")
        run.reply = REPLY
        self._finish([run], complete_together, self._answer, fate)

    def answers_come_together(self, pick: int, fate: str) -> None:
        """All of a worker's, stale ones among them, in one group commit."""
        _, runs = self._take_all(pick)
        for each in runs:
            each.reply = REPLY
        happened["together"] += len(runs) > 1
        self._finish(runs, complete_together, self._answer, fate)

    def _answer(self, run: Run) -> Outcome:
        return Outcome(run.claim, REPLY, RESULT, 1)

    def call_fails(self, pick: int, fate: str) -> None:
        code = FAILURES[pick % len(FAILURES)]
        worker, run = self._take(pick, "calling")
        error = error_from_code(code, retry_after=5.0 if code == DEFERRED else None)
        if error.retried:
            if self._go_on([run], note_failed_calls, partial(backs_off, error), fate):
                worker.sleeping.append(run)
        else:
            self._fail([run], error, fate)

    def calls_fail_together(self, pick: int, fate: str) -> None:
        _, runs = self._take_all(pick)
        happened["failed together"] += len(runs) > 1
        self._fail(runs, error_from_code(DEFERRED if pick % 2 else "SERVER_ERROR"), fate)

    def _fail(self, runs: list[Run], error: OpenAIServiceError, fate: str) -> None:
        self._finish(runs, fail_together, partial(Run.failure, error=error), fate)

    def back_off_ends(self, pick: int, fate: str) -> None:
        worker, run = self._take(pick, "sleeping")
        if pick % 5 == 0:  # the run's deadline came first
            self._fail([run], error_from_code("SERVER_ERROR"), fate)
        elif self._go_on([run], start_next_calls, Run.next_call, fate):
            worker.calling.append(run)

    def calls_fail_and_go_on_together(self, pick: int, fate: str) -> None:
        """An outage: all calls of a worker back off, and are sent again."""
        worker, runs = self._take_all(pick)
        happened["backed off together"] += len(runs) > 1
        failed = partial(backs_off, error_from_code("SERVER_ERROR"))
        asleep = self._go_on(runs, note_failed_calls, failed, fate)
        worker.calling += self._go_on(asleep, start_next_calls, Run.next_call, fate)

    def run_is_stopped(self, pick: int, fate: str) -> None:
        _, run = self._take(pick, "calling" if has_calling(self) else "sleeping")
        step: Callable[[list[Stop]], Any] = cancel_together if pick % 2 else release_together
        self._written([run], step, Run.stop, fate)

    def heart_beats(self, pick: int, fate: str) -> None:
        worker = self.workers[pick % 2]
        held = {run.claim.id for run in worker.runs}
        holding = self._write(partial(leases.beat, owner=worker.owner, held=held), fate)
        if holding is None:
            return
        for runs in (worker.calling, worker.sleeping):
            kept = [run for run in runs if holding.fences.get(run.claim.id) == run.claim.fence]
            happened["told by heartbeat"] += len(runs) - len(kept)
            runs[:] = kept

    # --- time and misfortune --------------------------------------------------------------------

    def leases_end(self, pick: int, fate: str) -> None:
        Operation.objects.filter(status="running").update(
            lease_expires_at=F("lease_expires_at") - PAST
        )

    def leases_are_swept(self, pick: int, fate: str) -> None:
        report = leases.sweep()
        happened["rescued"] += report.rescued
        happened["expired"] += report.expired
        happened["poisoned"] += report.failed
        happened["cancelled by sweep"] += report.cancelled

    def workers_are_slow(self, pick: int, fate: str) -> None:
        """Nobody dies: they go on with what was taken from them."""
        self.leases_end(pick, fate)
        self.leases_are_swept(pick, fate)
        self.waits_end(pick, fate)

    def waits_end(self, pick: int, fate: str) -> None:
        Operation.objects.filter(status="pending", next_attempt_at__isnull=False).update(
            next_attempt_at=F("next_attempt_at") - PAST
        )

    def waits_are_too_long(self, pick: int, fate: str) -> None:
        Operation.objects.filter(status="pending").update(
            queued_at=F("queued_at") - timedelta(days=365)
        )

    def session_is_deleted(self, pick: int, fate: str) -> None:
        services.cancel_session_operations(session_id=SESSION, door="page")

    def worker_dies(self, pick: int, fate: str) -> None:
        self.workers[pick % 2] = Worker()

    def worker_is_buried(self, pick: int, fate: str) -> None:
        """A supervisor that saw it die ends its leases at once."""
        leases.end_leases_of(owner=self.workers[pick % 2].owner)
        self.worker_dies(pick, fate)

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

    def _take_all(self, pick: int) -> tuple[Worker, list[Run]]:
        """All calls of a worker."""
        worker, run = self._take(pick, "calling")
        runs, worker.calling[:] = [run, *worker.calling], []
        return worker, runs

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

    def _written(self, runs: list[Run], step: Step, item: Callable[[Run], Any], fate: str) -> Any:
        """One group of the database thread. Each run with what it learns: its operation, or None;
        of a process that died before the commit, that it died."""
        job = partial(together, step, [item(run) for run in runs])
        written = self._write(job, fate) or [Died] * len(runs)
        for run, operation in zip(runs, written, strict=True):
            if isinstance(operation, Operation):
                run.claim.operation = operation
        return zip(runs, written, strict=True)

    def _finish(self, runs: list[Run], step: Step, item: Callable[[Run], Any], fate: str) -> None:
        """The last step of these runs, in one group. They end here whatever comes of it."""
        for run, ended in self._written(runs, step, item, fate):
            if ended:
                happened["finished"] += 1
            else:
                happened["stale" if fate == "commits" else "second commit"] += 1
                self._write(run.write_fenced, fate)

    def _go_on(
        self, runs: list[Run], step: Step, item: Callable[[Run], Any], fate: str
    ) -> list[Run]:
        """A step after which runs go on: those that do, and do not die or learn that they are not
        their operation's owner any more."""
        going_on = []
        for run, operation in self._written(runs, step, item, fate):
            if operation is None:
                happened["stale"] += 1
                self._write(run.write_fenced, fate)
            elif operation is not Died:
                going_on.append(run)
        return going_on


def backs_off(error: OpenAIServiceError, run: Run) -> FailedCall:
    return run.failed_call(error, 1.0)


def together(step: Callable[[list[Any]], Any], items: list[Any]) -> list[Operation | None]:
    """As the database thread does it: together, or each by itself where that is refused."""
    return [result for result, _ in _in_savepoint([Job(step, item) for item in items])]


def walk(*, walks: int, steps: int, same_every_time: bool) -> None:
    happened.clear()
    # Which steps a new walk takes is chance: there are more of them until all has happened.
    for _ in range(1 if same_every_time else MOST_ROUNDS):
        walk_a_round(walks, steps, same_every_time)
        if all(happened[what] for what in MUST_HAPPEN):
            break
    for what in MUST_HAPPEN:
        assert happened[what] > 0, f"no walk had a {what}: {happened}"


def walk_a_round(walks: int, steps: int, same_every_time: bool) -> None:
    run_state_machine_as_test(
        Walk,
        settings=hypothesis.settings(
            max_examples=walks if same_every_time else examples(walks),
            stateful_step_count=steps,
            derandomize=same_every_time,
            deadline=None,
            database=None,
            # Shrinking replays the walk for minutes; a trace of forty named steps can be read.
            phases=[hypothesis.Phase.generate],
            print_blob=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )


@pytest.mark.slow
def test_no_walk_breaks_a_rule_of_the_ledger(judgement: JudgementKind, settings: Settings) -> None:
    settings.OPERATIONS_DEFER_RATE_LIMITED = True
    walk(walks=20, steps=40, same_every_time=True)


@pytest.mark.slow
@pytest.mark.hypothesis
def test_no_new_walk_breaks_a_rule_of_the_ledger(
    judgement: JudgementKind, settings: Settings
) -> None:
    settings.OPERATIONS_DEFER_RATE_LIMITED = True
    walk(walks=30, steps=60, same_every_time=False)
