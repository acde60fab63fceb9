"""What `deploy/` gives to Prometheus and Grafana is sound, and a real Prometheus reads us."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from prometheus_client.parser import text_string_to_metric_families

from config.tests.production import Production, end_all
from operations.console.exposition import expose
from operations.tests.ports import free_port

pytestmark = [pytest.mark.prometheus, pytest.mark.slow]

DEPLOY = Path(settings.BASE_DIR) / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
PATIENCE_SECONDS = 90
OF_PROMETHEUS = {"up"}


def promtool(*arguments: object, cwd: Path = DEPLOY / "prometheus") -> str:
    ended = subprocess.run(
        ["promtool", *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def expressions_of_the_dashboard() -> list[str]:
    dashboard = json.loads((DEPLOY / "grafana" / "interview-practice.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def alerts(text: str, key: str) -> set[str]:
    return set(re.findall(rf"{key}: (\w+)", text))


def test_configuration_and_rules_are_sound() -> None:
    promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "rules.yml")


def test_each_alert_is_silent_fires_and_clears() -> None:
    cases = (DEPLOY / "prometheus" / "rules_test.yml").read_text()
    assert alerts(cases, "alertname") == alerts(RULES.read_text(), "alert")

    promtool("test", "rules", "rules_test.yml")


def test_rule_that_would_not_fire_is_found(tmp_path: Path) -> None:
    for name in ("rules.yml", "rules_test.yml"):
        text = (DEPLOY / "prometheus" / name).read_text()
        (tmp_path / name).write_text(text.replace("operations_workers == 0", "absent(up)"))

    with pytest.raises(AssertionError, match="InterviewPracticeNoWorker"):
        promtool("test", "rules", "rules_test.yml", cwd=tmp_path)


def test_dashboard_asks_in_prometheus_own_language(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": asked.replace("$__rate_interval", "5m")}
        for number, asked in enumerate(expressions_of_the_dashboard())
    ]
    file = tmp_path / "dashboard.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))

    promtool("check", "rules", file)


@pytest.mark.django_db
def test_nothing_asks_for_a_metric_that_is_not_there() -> None:
    exposed = {
        f"{family.name}{suffix}"
        for family in text_string_to_metric_families(expose("")[0].decode())
        for suffix in ("", "_total", "_bucket", "_count", "_sum")
    }

    said = "\n".join([RULES.read_text(), *expressions_of_the_dashboard()])
    asked = set(re.findall(r"\b(?:operation|provider|possibly)\w*_\w+\b(?=[\[{) ]|$)", said))
    assert asked - OF_PROMETHEUS - exposed - {"provider_paused"} == set()
    assert len(asked) >= 6


class Prometheus:
    """Scrapes and judges every second."""

    def __init__(self, directory: Path, target: int) -> None:
        self.port = free_port()
        rules = re.sub(r"\n +for: \w+", "", RULES.read_text())
        (directory / "rules.yml").write_text(rules)
        given = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
        quick = given.replace("15s", "1s").replace("127.0.0.1:8000", f"127.0.0.1:{target}")
        (directory / "prometheus.yml").write_text(quick)
        with (directory / "prometheus.log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    shutil.which("prometheus") or "prometheus",
                    f"--config.file={directory / 'prometheus.yml'}",
                    f"--storage.tsdb.path={directory / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ask(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}"
        with urllib.request.urlopen(url, timeout=10) as response:
            return json.load(response)["data"]

    def value(self, expression: str) -> float:
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


@pytest.fixture
def production(tmp_path: Path) -> Iterator[Production]:
    variables = {"REGISTRATION_OPEN": "true", "SIMULATED_FAULTS": "network:0"}
    production = Production(tmp_path, free_port(), variables)
    try:
        production.start(worker=True)
        yield production
    finally:
        production.stop()


def practise(production: Production) -> None:
    """One practice is prepared: an operation of its own."""
    registered = production.ask(
        "POST",
        "/api/v1/auth/register/",
        {"username": "alice", "email": "a@example.org", "password": "three green bicycles"},
    )
    production.ask(
        "POST",
        "/api/v1/sessions/",
        {"role": "Ferry master", "job_description": "Steers the ferry across the river, daily."},
        Authorization=f"Token {registered.data['token']}",
    )


@pytest.mark.timeout(400)
def test_a_real_prometheus_holds_our_figures_and_tells_of_a_dead_worker(
    production: Production, tmp_path: Path
) -> None:
    prometheus = Prometheus(tmp_path, production.port)
    try:
        wait_for(lambda: prometheus.value("operations_workers") == 1, "nothing was scraped")
        practise(production)
        completed = 'operations_total{status="completed", kind="question_generation"}'
        wait_for(lambda: prometheus.value(f"sum({completed})") == 1, "the end was not counted")
        assert prometheus.firing() == set()

        worker = production.processes.pop()
        end_all([worker], within_seconds=30)
        silent = {"InterviewPracticeNoWorker"}
        wait_for(lambda: prometheus.firing() == silent, "nobody was told")

        production.start_worker()
        wait_for(lambda: prometheus.firing() == set(), "the alert did not clear")
        assert prometheus.value(f"sum({completed})") == 1, "a restart lowers no counter"
    finally:
        end_all([prometheus.process], within_seconds=20)
