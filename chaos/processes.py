"""The processes of a campaign: started, found by role, signalled by id.

Everything started here carries a mark of its campaign in its environment, and so do its children:
nothing else is ever signalled, and what is left over can be found and ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chaos.options import ROOT
from chaos.plan import Role
from operations.workers.cluster import SUPERVISOR_VARIABLE
from operations.workers.processes import PROC, is_alive, processes_with_environment

CAMPAIGN_VARIABLE = "CHAOS_CAMPAIGN"

LARGEST_CLUSTER = 7
"""Main process, sentinel, two drains, a spare worker, monitor and pusher."""

ROLE_LINES = (
    (re.compile(r"ready for work at (\d+)"), Role.SPARE),
    (re.compile(r"monitoring at (\d+)"), Role.MONITOR),
    (re.compile(r"pushing tasks at (\d+)"), Role.PUSHER),
)


@dataclass
class Service:
    """A process that is started again whenever it ends, as systemd would (`Restart=always`)."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    kill_rest: bool = False
    """systemd ends what a dead main process leaves in its control group. Not for the worker: there
    it is our own supervisor's promise."""
    starts: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  (our own command line)
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def is_running(self) -> bool:
        assert self.process is not None
        return self.process.poll() is None

    def restart(self) -> None:
        if self.kill_rest:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self.start()

    def stop(self, patience_seconds: float) -> int | None:
        """SIGTERM, and the exit code; None if it had to be killed."""
        assert self.process is not None
        self.process.terminate()
        try:
            return self.process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None


def worker_service(environment: Mapping[str, str], log: Path) -> Service:
    return Service("worker", [sys.executable, "manage.py", "operations_worker"], environment, log)


def web_service(environment: Mapping[str, str], log: Path) -> Service:
    """The command line that `manage.py up` uses."""
    command = [sys.executable, "-m", "config.webserver"]
    return Service("web", command, environment, log, kill_rest=True)


@dataclass
class WorkerLog:
    """Who is who in a cluster: a forked process cannot be told from its siblings but by what it
    said when it began."""

    path: Path
    roles: dict[int, Role] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    _offset: int = 0

    def read(self) -> None:
        with self.path.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):  # still being written
                    break
                self._offset += len(line)
                self._note(line.decode(errors="replace"))

    def _note(self, line: str) -> None:
        try:
            entry = json.loads(line)
        except ValueError:
            return
        event = str(entry.get("event", ""))
        if event == "worker.started":
            self.roles[entry["pid"]] = Role.DRAIN
        elif event == "worker.stopped" and "pid" in entry:
            self.roles[entry["pid"]] = Role.SPARE
        elif event == "worker.restarted":
            self.restarts[entry["reason"]] = self.restarts.get(entry["reason"], 0) + 1
        for pattern, role in ROLE_LINES:
            if match := pattern.search(event):
                self.roles[int(match[1])] = role


@dataclass
class Census:
    """Who lives now, by role."""

    campaign: str
    worker: Service
    web: Service
    log: WorkerLog

    def of(self, role: Role) -> list[int]:
        if role is Role.SUPERVISOR:
            return [self.worker.pid]
        if role is Role.WEB:
            return [self.web.pid]
        if role is Role.WEB_WORKER:
            return [pid for pid in self.mine() if parent_of(pid) == self.web.pid]
        cluster = set(self.cluster())
        mains = {pid for pid in cluster if group_of(pid) == pid}
        if role is Role.MAIN:
            return sorted(mains)
        sentinels = {pid for pid in cluster if parent_of(pid) in mains}
        if role is Role.SENTINEL:
            return sorted(sentinels)
        self.log.read()
        return sorted(pid for pid in cluster - mains - sentinels if self.log.roles.get(pid) is role)

    def mine(self) -> list[int]:
        """Every living process of this campaign's product."""
        return [
            pid
            for pid, campaign in processes_with_environment(CAMPAIGN_VARIABLE)
            if campaign == self.campaign and is_alive(pid)
        ]

    def cluster(self) -> list[int]:
        """Living processes of any cluster, those of a dead supervisor too."""
        return [pid for pid, _ in self._clusters()]

    def orphans(self) -> list[int]:
        """Living cluster processes whose supervisor is not the one that runs now."""
        return [pid for pid, supervisor in self._clusters() if supervisor != self.worker.pid]

    def _clusters(self) -> Iterator[tuple[int, int]]:
        mine = set(self.mine())
        for pid, mark in processes_with_environment(SUPERVISOR_VARIABLE):
            if pid in mine:
                yield pid, int(mark.rpartition(":")[2])


def parent_of(pid: int) -> int:
    """0 where it is gone."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def group_of(pid: int) -> int:
    """0 where it is gone."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def send(pid: int, number: int) -> bool:
    """Whether the process was there to get it."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def end_marked(campaign: str) -> None:
    """kill -9 of whatever still carries the campaign's mark, by id, until nothing does."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        left = [
            pid
            for pid, value in processes_with_environment(CAMPAIGN_VARIABLE)
            if value == campaign and is_alive(pid) and pid != os.getpid()
        ]
        if not left:
            return
        for pid in left:
            send(pid, signal.SIGKILL)
        time.sleep(0.05)
