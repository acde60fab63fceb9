"""What all runs of a bench share: its directory, its PostgreSQL and Redis, migrated templates, and
a fresh database for each run. Ends what it started, however it ends."""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import processes
from bench.options import ROOT, Run
from bench.services import BenchPostgreSQL, BenchRedis, free_port

TEMPLATE = "bench_template"
RUN_SECONDS = 1500.0


class VoidRun(Exception):
    """A run whose rows are not what they must be: nothing that was measured counts."""


class BrokenRun(VoidRun):
    """A run whose workers did not come up, or stopped working: too many threads, say."""


class Host:
    """`with Host() as host: host.measure(run)`."""

    def __enter__(self) -> Host:
        _allow_many_files()
        self.mark = uuid.uuid4().hex[:12]
        self.directory = Path(tempfile.mkdtemp(prefix="bench-"))
        self.directory.chmod(0o755)  # PostgreSQL's unprivileged account has to get through
        self._run_number = 0
        self.postgresql = BenchPostgreSQL()
        self.postgresql.__enter__()
        try:
            self.redis = BenchRedis(self.directory).__enter__()
            self._make_templates()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        processes.end_marked(self.mark)
        if hasattr(self, "redis"):
            self.redis.__exit__()
        self.postgresql.__exit__()
        shutil.rmtree(self.directory)

    def measure(self, run: Run, *, sqlite: bool = False) -> dict[str, Any]:
        """Raises `VoidRun`."""
        self._run_number += 1
        mark = f"run-{self._run_number}"
        url = self._fresh_sqlite(mark) if sqlite else self._fresh_postgresql(mark)
        self.redis.client.flushall()
        (self.directory / "workers.log").write_text("")
        run = run.with_(
            database_url=url,
            # Ours needs no Redis: its rows are the queue, and its database can ring the bell.
            redis_url="" if run.is_ours and not run.wakes_by_redis else self.redis.url,
            stub_port=free_port(),
            web_port=free_port(),
            mark=self.mark,
            directory=str(self.directory),
            postgresql_pid=self.postgresql.pid,
            redis_pid=self.redis.pid,
        )
        try:
            figures = self._figures_of(run)
        finally:
            processes.end_marked(self.mark)
            if not sqlite:
                self._execute(f'DROP DATABASE "{mark}" WITH (FORCE)')
        if found := figures.pop("problems"):
            raise VoidRun(f"{run.label}, {run.mode}: " + "; ".join(found))
        return {
            "side": run.side,
            "label": run.label,
            "latency": run.latency,
            "setting": run.setting,
            **figures,
        }

    @contextlib.contextmanager
    def database(self, *, sqlite: bool) -> Iterator[Run]:
        """A fresh database, for what needs no workers."""
        self._run_number += 1
        mark = f"run-{self._run_number}"
        url = self._fresh_sqlite(mark) if sqlite else self._fresh_postgresql(mark)
        directory = str(self.directory)
        yield Run(
            "ours",
            0,
            0,
            1,
            database_url=url,
            stub_port=free_port(),
            mark=self.mark,
            directory=directory,
        )
        if not sqlite:
            self._execute(f'DROP DATABASE "{mark}" WITH (FORCE)')

    def _figures_of(self, run: Run) -> dict[str, Any]:
        try:
            with (self.directory / "run.log").open("w") as errors:
                ended = subprocess.run(
                    [sys.executable, "-m", "bench.run"],
                    cwd=ROOT,
                    env=run.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    timeout=RUN_SECONDS,
                    check=False,
                )
        except subprocess.TimeoutExpired:
            raise BrokenRun(f"{run.label}, {run.mode}: did not end in time") from None
        if ended.returncode:
            raise BrokenRun(f"{run.label}, {run.mode}: {self._last_words()}")
        figures: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
        return figures

    def _last_words(self) -> str:
        logs = (self.directory / name for name in ("run.log", "workers.log"))
        run, workers = (log.read_text(errors="replace").splitlines()[-15:] for log in logs)
        return "\n".join([*run, "The workers said last:", *workers])

    def _make_templates(self) -> None:
        self._execute(f"CREATE DATABASE {TEMPLATE}")
        for url in (self.postgresql.url(TEMPLATE), self._sqlite_url(TEMPLATE)):
            run = Run("procrastinate", 0, 0, 1, database_url=url, mark=self.mark, stub_port=9)
            subprocess.run(
                [sys.executable, "-m", "bench.migrate"],
                cwd=ROOT,
                env=run.environment(),
                check=True,
                stdout=subprocess.DEVNULL,
            )

    def _fresh_postgresql(self, name: str) -> str:
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}')
        return self.postgresql.url(name)

    def _fresh_sqlite(self, name: str) -> str:
        shutil.copy(self.directory / f"{TEMPLATE}.sqlite3", self.directory / f"{name}.sqlite3")
        return self._sqlite_url(name)

    def _sqlite_url(self, name: str) -> str:
        return f"sqlite:///{self.directory / name}.sqlite3"

    def _execute(self, statement: str) -> None:
        self.postgresql.execute(statement)


def _allow_many_files() -> None:
    """The usual soft limit is 1,024, and the stub alone holds 2,000 connections at 2×1,000."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
