"""Every state that one operation, two workers and any number of people can reach, by breadth first.

A model of `engine.transitions` in which only the equality of fencing tokens matters, so the state
space is finite without bounding how often anything happens. Run as a module it prints what it found
for the real rules and for rules with a part missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

PENDING, RUNNING, COMPLETED, FAILED, CANCELLED = (
    "pending",
    "running",
    "completed",
    "failed",
    "cancelled",
)
FINAL = {COMPLETED, FAILED, CANCELLED}
MAX_LOSSES = 3

NO_LEASE, HELD, EXPIRED = "no lease", "held", "expired"
CALLING, ANSWERED, SLEEPING = "calling", "answered", "sleeping"


class Worker(NamedTuple):
    """What a worker believes: its phase and the fence of its claim. May be stale."""

    phase: str
    fence: int
    claim: int
    """Which claim it really is; known to the check alone."""


class State(NamedTuple):
    status: str = PENDING
    fence: int = 0
    claim: int = 0
    lease: str = NO_LEASE
    losses: int = 0
    asked_to_stop: bool = False
    open_call: int | None = None
    results: tuple[int, ...] = ()
    workers: tuple[Worker | None, Worker | None] = (None, None)
    stale_write: bool = False


@dataclass(frozen=True)
class Rules:
    """What a write compares, and who raises the fence. The defaults are the engine's."""

    compares_status: bool = True
    compares_fence: bool = True
    claim_raises_fence: bool = True
    sweep_raises_fence: bool = True

    def accepts(self, state: State, worker: Worker) -> bool:
        right_status = state.status == RUNNING or not self.compares_status
        return right_status and (state.fence == worker.fence or not self.compares_fence)


@dataclass
class Report:
    states: int = 0
    transitions: int = 0
    violation: str = ""
    trace: tuple[str, ...] = ()
    dead_ends: list[State] = field(default_factory=list)
    """States from which, without any person's help, no final status can be reached."""


Step = tuple[str, State]

PEOPLE = ("cancel", "delete_session", "retry")
WRITES = ("back_off", "call_again", "commit", "fail", "release", "abort")


def is_stale(state: State, worker: Worker) -> bool:
    return state.status != RUNNING or state.claim != worker.claim


def steps(state: State, rules: Rules) -> Iterator[Step]:
    """Everything that can happen next."""
    for number, worker in enumerate(state.workers):
        for name, after in worker_steps(state, number, worker, rules):
            if worker and name in WRITES and is_stale(state, worker):
                after = after._replace(stale_write=rules.accepts(state, worker))
            yield f"{name}{number}", after
    yield from time_steps(state, rules)
    yield from people_steps(state)


def worker_steps(state: State, number: int, worker: Worker | None, rules: Rules) -> Iterator[Step]:
    def with_worker(changed: State, now: Worker | None) -> State:
        workers = list(changed.workers)
        workers[number] = now
        return changed._replace(workers=(workers[0], workers[1]))

    if worker is None:
        if state.status == PENDING:
            fence = state.fence + rules.claim_raises_fence
            claim = state.claim + 1
            claimed = state._replace(
                status=RUNNING, fence=fence, claim=claim, lease=HELD, open_call=fence
            )
            yield "claim", with_worker(claimed, Worker(CALLING, fence, claim))
        return

    yield "crash", with_worker(state, None)
    accepted = rules.accepts(state, worker)
    gone = with_worker(state, None)
    if worker.phase == CALLING:
        yield "answer", with_worker(state, worker._replace(phase=ANSWERED))
        backing_off = with_worker(state._replace(open_call=None), worker._replace(phase=SLEEPING))
        yield "back_off", backing_off if accepted else gone
    if worker.phase == SLEEPING:
        calling = state._replace(open_call=worker.fence)
        again = with_worker(calling, worker._replace(phase=CALLING))
        yield "call_again", again if accepted else gone
    if worker.phase == ANSWERED:
        results = (*state.results, worker.fence)
        yield "commit", ended(gone, COMPLETED)._replace(results=results) if accepted else gone
        return
    yield "fail", ended(gone, FAILED) if accepted else gone
    yield "release", given_back(gone) if accepted else gone
    if state.asked_to_stop:
        yield "abort", cancelled(gone) if accepted else gone


def time_steps(state: State, rules: Rules) -> Iterator[Step]:
    if state.lease == HELD:
        yield "expire", state._replace(lease=EXPIRED)
    if state.status == RUNNING and state.lease == EXPIRED:
        yield "sweep", swept(state, rules)


def people_steps(state: State) -> Iterator[Step]:
    if state.status == PENDING:
        yield "cancel", cancelled(state)
    if state.status == RUNNING:
        yield "cancel", state._replace(asked_to_stop=True)
    if state.status not in FINAL:
        yield "delete_session", cancelled(state)
    if state.status in {FAILED, CANCELLED}:
        yield "retry", state._replace(status=PENDING, fence=state.fence + 1, losses=0)


def ended(state: State, status: str) -> State:
    return state._replace(status=status, lease=NO_LEASE, asked_to_stop=False, open_call=None)


def cancelled(state: State) -> State:
    return ended(state, CANCELLED)._replace(fence=state.fence + 1)


def given_back(state: State) -> State:
    return cancelled(state) if state.asked_to_stop else ended(state, PENDING)


def swept(state: State, rules: Rules) -> State:
    if state.asked_to_stop:
        return cancelled(state)
    if state.losses == MAX_LOSSES:
        return ended(state, FAILED)
    fence = state.fence + rules.sweep_raises_fence
    return ended(state, PENDING)._replace(fence=fence, losses=state.losses + 1)


# --- what must be true --------------------------------------------------------------------------


def wrong_with(before: State, name: str, after: State) -> str:
    """The first rule that this step breaks, or nothing."""
    if after.stale_write:
        return "I0 a worker wrote what it had lost"
    if after.results != ((after.fence,) if after.status == COMPLETED else ()):
        return f"I1 {after.status} with fence {after.fence} has results {after.results}"
    calls = {None, after.fence} if after.status == RUNNING else {None}
    if after.open_call not in calls:
        return f"I2 {after.status} with fence {after.fence} has an open call of {after.open_call}"
    if (after.lease != NO_LEASE) != (after.status == RUNNING):
        return f"I2 {after.status} with lease {after.lease}"
    if after.fence < before.fence:
        return "I3 the fence fell"
    if before.status in FINAL and after.status != before.status and name != "retry":
        return f"I4 {name} moved what had ended"
    return ""


def normal(state: State) -> State:
    """The same state, fences and claims numbered by rank: no rule asks how far apart they are."""
    holders = [worker.fence for worker in state.workers if worker]
    rank = {fence: n for n, fence in enumerate(sorted({state.fence, *holders, *state.results}))}
    claims = sorted({state.claim, *(worker.claim for worker in state.workers if worker)})
    workers = [
        worker and worker._replace(fence=rank[worker.fence], claim=claims.index(worker.claim))
        for worker in state.workers
    ]
    return state._replace(
        fence=rank[state.fence],
        claim=claims.index(state.claim),
        open_call=None if state.open_call is None else rank[state.open_call],
        results=tuple(rank[fence] for fence in state.results),
        workers=(workers[0], workers[1]),
    )


def check(rules: Rules) -> Report:
    """Visit everything; stop at the first violation, which breadth first makes a shortest one."""
    start = State()
    reached_by: dict[State, tuple[State, str] | None] = {start: None}
    leads_to: dict[State, list[Step]] = {}
    report = Report()
    todo = deque([start])
    while todo:
        state = todo.popleft()
        leads_to[state] = []
        for name, after in steps(state, rules):
            report.transitions += 1
            report.violation = wrong_with(state, name, after)
            if report.violation:
                report.trace = (*path_to(state, reached_by), name)
                report.states = len(reached_by)
                return report
            after = normal(after)
            leads_to[state].append((name, after))
            if after not in reached_by:
                reached_by[after] = (state, name)
                todo.append(after)
    report.states = len(reached_by)
    report.dead_ends = dead_ends(leads_to)
    return report


def path_to(state: State, reached_by: dict[State, tuple[State, str] | None]) -> tuple[str, ...]:
    names: list[str] = []
    while (step := reached_by[state]) is not None:
        state, name = step
        names.append(name)
    return tuple(reversed(names))


def dead_ends(leads_to: dict[State, list[Step]]) -> list[State]:
    comes_from: dict[State, list[State]] = {state: [] for state in leads_to}
    for state, onward in leads_to.items():
        for name, after in onward:
            if name not in PEOPLE:
                comes_from[after].append(state)
    live = {state for state in leads_to if state.status in FINAL}
    todo = deque(live)
    while todo:
        for state in comes_from[todo.popleft()]:
            if state not in live:
                live.add(state)
                todo.append(state)
    return [state for state in leads_to if state not in live]


ENGINE = Rules()
CONTROLS: dict[str, Rules] = {
    "status without fence": Rules(compares_fence=False),
    "id alone": Rules(compares_fence=False, compares_status=False),
    "fence that nobody raises": Rules(claim_raises_fence=False, sweep_raises_fence=False),
    "fence without status, not raised by the sweep": Rules(
        compares_status=False, sweep_raises_fence=False
    ),
}


def main(say: Callable[[str], None] = print) -> None:
    for name, rules in {"the engine": ENGINE, **CONTROLS}.items():
        report = check(rules)
        found = report.violation or "0 violations"
        say(f"{name}: {report.states} states, {report.transitions} transitions, {found}")
        say(f"  {' > '.join(report.trace) or f'{len(report.dead_ends)} dead ends'}")


if __name__ == "__main__":
    main()
