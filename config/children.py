"""The processes that `manage.py up` starts, each leading a session of its own.

Of its own, because Ctrl-C in a terminal signals the whole foreground group: workers that got it too
would be cut in the middle of a call instead of being asked to finish.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from operations import lifeline

STDERR = 2
POLL_SECONDS = 0.1
RESTARTS = 5
PER_SECONDS = 60.0
"""A child is started again at most so often in so long."""


class InheritedProcess:
    """A child from before an `exec`, as far as `subprocess.Popen` would tell of it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._reap(os.WNOHANG)

    def wait(self) -> int | None:
        return self._reap(0)

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def _reap(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode


@dataclass
class Child:
    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | InheritedProcess
    restarted_at: deque[float] = field(default_factory=lambda: deque(maxlen=RESTARTS))
    is_waiting: bool = False
    """Until it may be started again."""

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def may_start_again(self) -> bool:
        if len(self.restarted_at) < RESTARTS:
            return True
        return time.monotonic() - self.restarted_at[0] >= PER_SECONDS

    def ask_to_stop(self) -> None:
        if not self.has_ended:
            self.process.terminate()

    def kill_group(self) -> None:
        """Also what the leader left behind. The group outlives it as long as anybody is in it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Children:
    """Starts children; as a context manager it leaves none of them running."""

    def __init__(
        self,
        *,
        directory: Path,
        grace_seconds: float,
        hurry: Callable[[], bool],
        lifeline: tuple[int, int] | None = None,
        children: Iterable[Child] = (),
    ) -> None:
        """`lifeline`, `children`: those of this process's program before (`inherited`)."""
        self.directory = directory
        self._grace_seconds = grace_seconds
        self._hurry = hurry
        self._children = list(children)
        self._lifeline, self._lifeline_end = lifeline or os.pipe()

    def leave_to_exec(self) -> int:
        """A descriptor from which the next program of this process reads what `inherited` needs."""
        for descriptor in (self._lifeline, self._lifeline_end):
            os.set_inheritable(descriptor, True)
        left = {
            "directory": str(self.directory),
            "grace_seconds": self._grace_seconds,
            "lifeline": [self._lifeline, self._lifeline_end],
            "children": [
                [child.name, child.command, child.process.pid] for child in self._children
            ],
        }
        read_end, write_end = os.pipe()
        with open(write_end, "w") as pipe:
            json.dump(left, pipe)
        os.set_inheritable(read_end, True)
        return read_end

    @classmethod
    def inherited(cls, descriptor: int, *, hurry: Callable[[], bool]) -> Children:
        """Those that `leave_to_exec` left before the `exec`, in this process's environment."""
        with open(descriptor) as pipe:
            left = json.load(pipe)
        return cls(
            directory=Path(left["directory"]),
            grace_seconds=left["grace_seconds"],
            hurry=hurry,
            lifeline=tuple(left["lifeline"]),
            children=(
                Child(name, command, dict(os.environ), InheritedProcess(pid))
                for name, command, pid in left["children"]
            ),
        )

    def __enter__(self) -> Children:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop_all()
        os.close(self._lifeline_end)
        os.close(self._lifeline)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        process = self._process(command, environment)
        self._children.append(Child(name, command, environment, process))

    def start_ended_again(self) -> Iterator[Child]:
        """Those that have ended since the last call: started again, or `is_waiting`."""
        for child in self._children:
            if not child.has_ended or (child.is_waiting and not child.may_start_again):
                continue
            child.is_waiting = not child.may_start_again
            yield child
            if not child.is_waiting:
                child.kill_group()
                child.restarted_at.append(time.monotonic())
                child.process = self._process(child.command, child.environment)

    def _process(
        self, command: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  (our own commands)
            command,
            cwd=self.directory,
            env={**environment, lifeline.VARIABLE: str(self._lifeline)},
            pass_fds=(self._lifeline,),
            stdin=subprocess.DEVNULL,
            stdout=STDERR,
            start_new_session=True,
        )

    def first_ended(self) -> Child | None:
        return next((child for child in self._children if child.has_ended), None)

    def _stop_all(self) -> None:
        for child in self._children:
            child.ask_to_stop()
        deadline = time.monotonic() + self._grace_seconds
        while time.monotonic() < deadline and not self._hurry() and self._any_runs():
            time.sleep(POLL_SECONDS)
        for child in self._children:
            child.kill_group()

    def _any_runs(self) -> bool:
        return any(not child.has_ended for child in self._children)
