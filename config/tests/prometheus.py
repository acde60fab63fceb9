"""Debian's Prometheus with what `deploy/prometheus/` has, as a process of a test, in a hurry."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from django.conf import settings

from config.tests.production import end_all
from operations.tests.ports import free_port

DEPLOY = Path(settings.BASE_DIR) / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
PATIENCE_SECONDS = 150
TIMES_FASTER = 30
"""An hour of the rules is two minutes, and a minute two seconds."""

OF_UNIT = {"s": 1, "m": 60, "h": 3600}


def names(text: str, key: str) -> set[str]:
    return set(re.findall(rf"{key}: (\w+)", text))


def hurried(rules: str) -> str:
    """The rules with all their times shorter by one factor: how long something has to last, the
    windows of the counters, and bounds that are seconds themselves. Nothing else is changed."""

    def shorter(found: re.Match[str]) -> str:
        return f"{int(found[1]) * OF_UNIT[found[2]] * 1000 // TIMES_FASTER}ms"

    rules = re.sub(r"\b(\d+)([smh])\b", shorter, rules)
    return re.sub(r"(_seconds > )(\d+)", lambda it: f"{it[1]}{int(it[2]) / TIMES_FASTER}", rules)


class Prometheus:
    """Scrapes and judges every second, and tells who is named as `alertmanager`."""

    def __init__(self, directory: Path, target: int, alertmanager: str = "127.0.0.1:9") -> None:
        self.port = free_port()
        self._directory = directory
        (directory / "rules.yml").write_text(hurried(RULES.read_text()))
        given = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
        told = re.sub(r"^# (?=alerting:|  alertmanagers:)", "", given, flags=re.MULTILINE)
        assert told.count("127.0.0.1:9093") == 1
        told = told.replace("127.0.0.1:9093", alertmanager)
        quick = told.replace("15s", "1s").replace("127.0.0.1:8000", f"127.0.0.1:{target}")
        (directory / "prometheus.yml").write_text(quick)

    def __enter__(self) -> Prometheus:
        with (self._directory / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    shutil.which("prometheus") or "prometheus",
                    f"--config.file={self._directory / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._directory / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        end_all([self._process], within_seconds=20)

    def ask(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}"
        with urllib.request.urlopen(url, timeout=10) as response:
            return json.load(response)["data"]

    def value(self, expression: str) -> float:
        """0 also where there is no such figure."""
        found = self.ask("query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else 0.0

    def firing(self) -> set[str]:
        return {
            alert["labels"]["alertname"]
            for alert in self.ask("alerts")["alerts"]
            if alert["state"] == "firing"
        }


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if condition():
                return
        except OSError:
            pass  # it is still starting
        assert time.monotonic() < end, what
        time.sleep(0.3)
