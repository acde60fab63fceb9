"""Everything in one terminal: database, static files, accounts, web server and workers."""

from __future__ import annotations

import errno
import http.client
import json
import os
import socket
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error as DatabaseError
from django.db import connection

from config import accounts, development, keeper, local
from config.checks import exposure
from config.children import Children
from config.keeper import WEB_SERVER, WORKER, StopRequest
from config.middleware import own_host
from operations.database.clock import database_now
from operations.masking import mask
from operations.models import WorkerHeartbeat

READY_WITHIN_SECONDS = 180
POLL_SECONDS = 0.1
# On top of the workers' own grace: their supervisor needs a moment to see them end.
EXTRA_GRACE_SECONDS = 5


class Command(BaseCommand):
    help = (
        "Prepare the database, then run the web server and the workers until Ctrl-C. Prints "
        "'Ready on <address>' once pages answer and a worker beats. A part that dies afterwards is "
        "started again, at most 5 times a minute. Exit codes: 0 stopped as "
        "asked, 1 a part did not start, 2 the port is in use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="Print one JSON object instead of lines."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = StopRequest()
        self._refuse_busy_port()
        self._warn_if_exposed()
        account_list = self._prepare()
        grace_seconds = settings.OPERATIONS_SHUTDOWN_GRACE_SECONDS + EXTRA_GRACE_SECONDS
        started_at = database_now()
        with Children(
            directory=settings.BASE_DIR, grace_seconds=grace_seconds, hurry=stop.is_urgent
        ) as children:
            self._start(children)
            self._wait_until_ready(stop, children, started_at)
            if not stop.is_asked():
                self._announce(account_list, as_json=options["json"])
                keeper.take_over(stop, children)
            self._tell("Stopping ...")
        self._tell("Stopped.")

    def _refuse_busy_port(self) -> None:
        fault = binding_fault(settings.BIND, settings.PORT)
        if fault:
            self._tell(fault)
            raise SystemExit(2)

    def _warn_if_exposed(self) -> None:
        if sentence := exposure():
            self._tell(sentence)

    def _prepare(self) -> list[accounts.Account]:
        directory = local.local_directory(settings.BASE_DIR)
        mark = directory / "databases.json"
        try:
            accounts.note_empty_database(mark)
            call_command("migrate", interactive=False, verbosity=0)
            is_ours = accounts.is_created_by_up(mark)
        except DatabaseError as error:
            reason = " ".join(mask(str(error)).split())
            self._fail(f"The database of DATABASE_URL cannot be used: {reason}")
        if not settings.DEBUG:
            development.forget(settings.BASE_DIR)
            call_command("collectstatic", interactive=False, verbosity=0)
            return []
        if not is_ours:
            self._tell(
                "This database was not created here, so it gets no demo account. "
                "Make yourself an account with: manage.py createsuperuser"
            )
            return []
        development.note(settings.BASE_DIR, os.environ)
        return list(accounts.keep_accounts(directory))

    def _start(self, children: Children) -> None:
        manage = str(Path(settings.BASE_DIR) / "manage.py")
        environment = dict(os.environ)
        children.start(WEB_SERVER, [sys.executable, "-m", "config.webserver"], environment)
        children.start(WORKER, [sys.executable, manage, "operations_worker"], environment)

    def _wait_until_ready(
        self, stop: StopRequest, children: Children, started_at: datetime
    ) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not stop.is_asked() and not (worker_beats(since=started_at) and pages_answer()):
            self._fail_if_one_ended(children)
            if time.monotonic() > deadline:
                lack = (
                    "pages do not answer" if worker_beats(since=started_at) else "no worker beats"
                )
                self._fail(f"Not ready within {READY_WITHIN_SECONDS} s: {lack}.")
            stop.wait(POLL_SECONDS)
        connection.close()

    def _fail_if_one_ended(self, children: Children) -> None:
        ended = children.first_ended()
        if ended:
            self._fail(f"The {ended.name} ended unexpectedly; its last lines are above.")

    def _announce(self, account_list: list[accounts.Account], *, as_json: bool) -> None:
        url = public_url()
        if as_json:
            users = [{"username": a.username, "password": a.password} for a in account_list]
            self._say(json.dumps({"url": url, "accounts": users}))
            return
        for title, account in zip(("Sign in", "Admin"), account_list, strict=False):
            self._say(f"{title}: {account.username} / {account.password}")
        self._say(f"Ready on {url}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _tell(self, sentence: str) -> None:
        # Django would print everything on stderr in red, NO_COLOR or not.
        self.stderr.write(sentence, str)

    def _fail(self, sentence: str) -> NoReturn:
        self._tell(sentence)
        raise SystemExit(1)


def binding_fault(address: str, port: int) -> str:
    """Why the web server could not listen there, or "". Looked at before anything is started."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"Port {port} is in use; choose another one: PORT={port + 1} make run"
            return f"Cannot listen on {address}, port {port}: {error.strerror}."
    return ""


def pages_answer() -> bool:
    client = http.client.HTTPConnection(_own_address(), settings.PORT, timeout=5)
    try:
        client.request("GET", "/", headers={"Host": own_host()})
        return client.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


def worker_beats(*, since: datetime) -> bool:
    """A worker of this start: the heartbeat of an earlier one outlives it by a lease."""
    return WorkerHeartbeat.objects.filter(
        started_at__gte=since, expires_at__gt=database_now()
    ).exists()


def public_url() -> str:
    host = f"[{settings.BIND}]" if ":" in settings.BIND else _own_address()
    return f"http://{host}:{settings.PORT}"


def _own_address() -> str:
    """Where this machine reaches its own server: "every address" is none to connect to."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.BIND, settings.BIND)  # noqa: S104
