"""What one run is: a side, its setting, the provider's latency and the work. Travels as JSON in the
environment of every process of the run."""

from __future__ import annotations

import functools
import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.content import MODEL

ROOT = Path(__file__).resolve().parent.parent

VARIABLE = "BENCH_RUN_OPTIONS"
MARK_VARIABLE = "BENCH_MARK"
"""In the environment of everything that a bench starts: what is left over is found by it."""

BACKOFF_BASE = 0.05
"""Seconds before the first of three retries in an outage, then twice and four times that: the
product's 1, 2 and 4 s scaled, for every side alike."""
RETRIES = 3

API_KEY = "sk-bench-a-key-that-no-provider-knows"


@dataclass(frozen=True)
class Variant:
    """How a peer is set up where its users have a choice. See `bench.sides` for what was kept."""

    pool: bool = False
    """Threads: Django's connection pool, given back during the call, instead of one persistent
    connection for each thread."""
    client_per_thread: bool = False
    """Threads: an HTTP pool of one connection for each thread instead of one shared by all."""
    cheap_call: bool = False
    """Ours' own way to call, `client.post`, in a peer. Not what its users would write."""


@dataclass(frozen=True)
class Run:
    side: str
    latency: float
    count: int
    concurrency: int
    """Calls in flight of one process; django-q2: processes, one call each."""
    processes: int = 2
    mode: str = "backlog"
    """A key of `bench.modes.MODES`."""
    rate: float = 0.0
    """Submissions a second of a paced run or a trickle."""
    rest_seconds: float = 0.0
    """How long an idle installation is watched."""
    variant: Variant = field(default_factory=Variant)
    debug: bool = False
    """As `make run` has it."""
    wakes_by_redis: bool = False
    """Ours: REDIS_URL is set, and submissions ring the bell there."""
    database_url: str = ""
    redis_url: str = ""
    stub_port: int = 0
    web_port: int = 0
    mark: str = ""
    directory: str = ""
    postgresql_pid: int = 0
    redis_pid: int = 0
    outage: int = 0
    """The status that every call is answered with; 0: a good answer."""
    damage: bool = False
    """Spoil one row before verification: the verifier has to say so."""

    @property
    def is_ours(self) -> bool:
        return self.side == "ours"

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def in_flight(self) -> int:
        return self.concurrency * (1 if self.side == "django_q2" else self.processes)

    @property
    def pool_size(self) -> int:
        """Of one process. Not held during the call, so it need not have one for each thread."""
        return min(self.concurrency, 64)

    @property
    def calls_each(self) -> int:
        """Calls of one job: server errors are asked again, a rate limit is not."""
        return 1 + RETRIES if self.outage >= 500 else 1

    @property
    def label(self) -> str:
        size = (
            self.concurrency if self.side == "django_q2" else f"{self.processes}×{self.concurrency}"
        )
        return f"{self.side} {size}"

    @property
    def setting(self) -> str:
        """The variant in words."""
        words = {
            "pool": self.variant.pool,
            "client per thread": self.variant.client_per_thread,
            "client.post": self.variant.cheap_call,
            f"all {self.outage}": bool(self.outage),
            "SQLite": self.is_sqlite,
            "Redis": self.wakes_by_redis,
        }
        return ", ".join(word for word, holds in words.items() if holds)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Run:
        values: dict[str, Any] = json.loads(text)
        return cls(**{**values, "variant": Variant(**values["variant"])})

    def with_(self, **values: Any) -> Run:
        return replace(self, **values)

    def product_environment(self) -> dict[str, str]:
        """Of the product's variables these and no others; the rest keep their defaults."""
        return {
            "ENV_FILE": os.devnull,
            "DJANGO_DEBUG": str(self.debug).lower(),
            "DJANGO_SECRET_KEY": "the-bench-signs-its-django-q2-messages-with-this-and-no-more",
            "FIELD_ENCRYPTION_KEY": "YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtMTI=",
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            **({"PORT": str(self.web_port)} if self.web_port else {}),
            "OPENAI_API_KEY": API_KEY,
            "OPENAI_BASE_URL": f"http://127.0.0.1:{self.stub_port}/v1",
            "OPENAI_MODEL": MODEL,
            "OPERATIONS_WORKERS": str(self.processes),
            "OPERATIONS_CONCURRENCY": str(self.concurrency),
            "MAX_UNFINISHED_OPERATIONS_PER_USER": "100000",
            **({"OPERATIONS_BACKOFF_BASE_SECONDS": str(BACKOFF_BASE)} if self.outage else {}),
            "LOG_LEVEL": "INFO",
            "LOG_FORMAT": "json",
        }

    def environment(self) -> dict[str, str]:
        """Of every process of this run. The product's own variables are set by `bench.settings`,
        but for those that are read before Django's settings are."""
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "BENCH_"))},
            VARIABLE: self.to_json(),
            MARK_VARIABLE: self.mark,
            "DJANGO_SETTINGS_MODULE": "bench.settings",
            "PYTHONPATH": str(ROOT),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }


@functools.cache
def current_run() -> Run:
    """The run that this process is part of."""
    return Run.from_json(os.environ[VARIABLE])
