"""The databases and brokers of a campaign, and what can go wrong with them."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis

from chaos.plan import Action, Fault, Role
from chaos.proxy import SlowLine
from chaos.servers import (
    DATABASE,
    ROLE,
    NotNow,
    PgBouncer,
    PostgresServer,
    RedisServer,
    port_answers,
)

DELAY_SECONDS = 0.05
"""Each way, for every message: a page asks a dozen times."""

WRITTEN = (
    "operations_operation",
    "operations_attempt",
    "interview_app_answer",
    "django_session",
)
NO_ROOM = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END$$
"""


@dataclass(frozen=True)
class Ports:
    database: int
    broker: int
    pooler: int


@dataclass(frozen=True)
class Way:
    """How a fault begins and ends, and whether it is there: `bites` asks as the product would."""

    strike: Callable[[], object]
    mend: Callable[[], object]
    bites: Callable[[], bool]


class Backend:
    """A database with a broker; `strike` lets a fault begin, `mend` ends it. Both may raise NotNow,
    and have done nothing then."""

    name = ""

    def __init__(self, directory: Path, ports: Ports) -> None:
        self.directory = directory
        self.ports = ports
        self.ways: dict[Fault, Way] = {}

    @property
    def faults(self) -> tuple[Fault, ...]:
        return tuple(self.ways)

    def environment(self) -> dict[str, str]:
        """What tells the product where its database and its broker are."""
        raise NotImplementedError

    def start(self) -> None:
        """Returns once everything answers."""

    def stop(self) -> None:
        """Ends everything that `start` or `mend` started."""

    def strike(self, fault: Fault) -> None:
        self.ways[fault].strike()

    def mend(self, fault: Fault) -> None:
        self.ways[fault].mend()

    def bites(self, fault: Fault) -> bool:
        return self.ways[fault].bites()


class Sqlite(Backend):
    name = "SQLite, ORM broker"

    def __init__(self, directory: Path, ports: Ports) -> None:
        super().__init__(directory, ports)
        self.file = directory / "chaos.sqlite3"
        self.holder: sqlite3.Connection | None = None
        self.ways[Fault(Role.DATABASE, Action.LOCK)] = Way(
            self._hold_lock, self._let_go, self._is_locked
        )

    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": f"sqlite:///{self.file}"}

    def stop(self) -> None:
        self._let_go()

    def _hold_lock(self) -> None:
        self.holder = sqlite3.connect(self.file, isolation_level=None, timeout=1)
        try:
            self.holder.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            self.holder.close()
            raise NotNow from error

    def _let_go(self) -> None:
        if self.holder is not None:
            self.holder.close()

    def _is_locked(self) -> bool:
        other = sqlite3.connect(self.file, isolation_level=None, timeout=0)
        with contextlib.closing(other), contextlib.suppress(sqlite3.OperationalError):
            other.execute("BEGIN IMMEDIATE")
            return False
        return True


class Postgres(Backend):
    """The product comes to it on a line that can be made slow."""

    name = "PostgreSQL, ORM broker"

    def __init__(self, directory: Path, ports: Ports) -> None:
        super().__init__(directory, ports)
        self.server = PostgresServer(directory, ports.database)
        self.line = SlowLine(ports.pooler, ports.database)
        self.holder: psycopg.Connection[Any] | None = None
        self.ways |= self._ways_of_the_database()
        self.ways[Fault(Role.DATABASE, Action.DELAY)] = Way(
            lambda: self._delay(DELAY_SECONDS), lambda: self._delay(0.0), self._is_slow
        )

    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.server.url(port=self.ports.pooler)}

    def start(self) -> None:
        self.server.create()
        self.line.start()

    def stop(self) -> None:
        if self.holder is not None:
            self.holder.close()
        self.line.stop()
        self.server.stop_at_once()

    def _ways_of_the_database(self) -> dict[Fault, Way]:
        server = self.server
        ways = {
            Action.KILL: Way(server.stop_at_once, server.start, self._is_refused),
            Action.READ_ONLY: Way(self._only_read, self._let_write, self._is_refused),
            Action.TAKE_CONNECTIONS: Way(
                lambda: self._limit_connections(0),
                lambda: self._limit_connections(-1),
                self._is_refused,
            ),
            Action.LOCK: Way(self._hold_lock, self._let_go, self._is_refused),
            Action.FILL_DISK: Way(self._fill_disk, self._empty_disk, self._is_refused),
        }
        return {Fault(Role.DATABASE, action): way for action, way in ways.items()}

    def _only_read(self) -> None:
        """As after a fail-over: connections are cut, and lead to a server that only reads."""
        self._alter(f"ALTER DATABASE {DATABASE} SET default_transaction_read_only = on")
        self.server.end_connections()

    def _let_write(self) -> None:
        self._alter(f"ALTER DATABASE {DATABASE} RESET default_transaction_read_only")

    def _limit_connections(self, most: int) -> None:
        self._alter(f"ALTER ROLE {ROLE} CONNECTION LIMIT {most}")
        if most == 0:
            self.server.end_connections()

    def _alter(self, statement: str) -> None:
        self.server.execute("template1", statement)

    def _hold_lock(self) -> None:
        self.holder = psycopg.connect(self.server.superuser_address(DATABASE))
        try:
            self.holder.execute(f"LOCK TABLE {', '.join(WRITTEN)} IN EXCLUSIVE MODE".encode())
        except psycopg.errors.LockNotAvailable as error:
            self.holder.close()
            raise NotNow from error

    def _let_go(self) -> None:
        assert self.holder is not None
        self.holder.close()

    def _fill_disk(self) -> None:
        """Simulated: the server says what it says where a file cannot grow."""
        triggers = (
            f"CREATE TRIGGER no_room BEFORE INSERT ON {table} EXECUTE FUNCTION no_room()"
            for table in WRITTEN
        )
        self.server.execute_together(DATABASE, NO_ROOM, *triggers)

    def _empty_disk(self) -> None:
        self.server.execute(DATABASE, "DROP FUNCTION no_room CASCADE")

    def _is_refused(self) -> bool:
        """A write of the product's own, rolled back."""
        try:
            with psycopg.connect(self.server.url(), connect_timeout=2) as connection:
                connection.execute("SET LOCAL lock_timeout = '100ms'")
                connection.execute("INSERT INTO django_session VALUES ('probe', '', now())")
                connection.rollback()
        except psycopg.Error:
            return True
        return False

    def _delay(self, seconds: float) -> None:
        self.line.delay_seconds = seconds

    def _is_slow(self) -> bool:
        began = time.monotonic()
        address = self.environment()["DATABASE_URL"]
        psycopg.connect(address, connect_timeout=10).close()
        return time.monotonic() - began > DELAY_SECONDS


class PostgresRedis(Postgres):
    name = "PostgreSQL, Redis broker"

    def __init__(self, directory: Path, ports: Ports) -> None:
        super().__init__(directory, ports)
        self.redis = server = RedisServer(directory, ports.broker)
        ways = {
            Action.KILL: Way(server.kill, server.start, self._broker_fails),
            Action.HANG: Way(
                lambda: server.send(signal.SIGSTOP),
                lambda: server.send(signal.SIGCONT),
                self._broker_fails,
            ),
            Action.FILL: Way(
                lambda: self._set_memory("1"), lambda: self._set_memory("0"), self._broker_fails
            ),
            Action.FLUSH: Way(self._flush, lambda: None, lambda: True),
        }
        self.ways |= {Fault(Role.BROKER, action): way for action, way in ways.items()}

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "REDIS_URL": self.redis.url}

    def start(self) -> None:
        super().start()
        self.redis.start()

    def stop(self) -> None:
        self.redis.kill()
        super().stop()

    def _set_memory(self, most: str) -> None:
        with self.redis.client() as client:
            client.config_set("maxmemory", most)

    def _flush(self) -> None:
        with self.redis.client() as client:
            client.flushall()

    def _broker_fails(self) -> bool:
        try:
            with self.redis.client() as client:
                client.set("probe", "")
        except redis.RedisError:
            return True
        return False


class PostgresPooler(Postgres):
    """Through a PgBouncer that hands out six connections by the transaction."""

    name = "PostgreSQL behind PgBouncer"

    def __init__(self, directory: Path, ports: Ports) -> None:
        super().__init__(directory, ports)
        self.pooler = PgBouncer(directory, ports.pooler, self.server)
        # The pooler keeps its own connections: who only reads, it cannot be told through it.
        for action in (Action.DELAY, Action.READ_ONLY):
            del self.ways[Fault(Role.DATABASE, action)]
        self.ways[Fault(Role.POOLER, Action.KILL)] = Way(
            self.pooler.kill, self.pooler.start, lambda: not port_answers(ports.pooler)
        )

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "DATABASE_DIRECT_URL": self.server.url()}

    def start(self) -> None:
        self.server.create()
        self.pooler.create()

    def stop(self) -> None:
        if self.holder is not None:
            self.holder.close()
        self.pooler.kill()
        self.server.stop_at_once()


BACKENDS: dict[str, type[Backend]] = {
    "sqlite": Sqlite,
    "postgres": Postgres,
    "redis": PostgresRedis,
    "pooler": PostgresPooler,
}
