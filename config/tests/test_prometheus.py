"""What `deploy/` gives to Prometheus and Grafana is sound, and a real Prometheus reads us."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from config.tests.production import Production, end_all
from config.tests.prometheus import DEPLOY, RULES, Prometheus, names, wait_for
from operations.console.exposition import expose
from operations.tests.ports import free_port

pytestmark = [pytest.mark.prometheus, pytest.mark.slow]

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


def test_configuration_and_rules_are_sound() -> None:
    promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "rules.yml")


def test_each_alert_is_silent_fires_and_clears() -> None:
    cases = (DEPLOY / "prometheus" / "rules_test.yml").read_text()
    assert names(cases, "alertname") == names(RULES.read_text(), "alert")

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


@pytest.fixture
def production(tmp_path: Path) -> Iterator[Production]:
    variables = {"REGISTRATION_OPEN": "true", "SIMULATED_FAULTS": "network:0"}
    production = Production(tmp_path, free_port(), variables)
    try:
        production.start(worker=True)
        yield production
    finally:
        production.stop()


@pytest.mark.timeout(300)
def test_a_real_prometheus_holds_our_figures(production: Production, tmp_path: Path) -> None:
    person = production.somebody_new("alice", "three green bicycles")
    with Prometheus(tmp_path, production.port) as prometheus:
        wait_for(lambda: prometheus.value("operations_workers") == 1, "nothing was scraped")
        person("POST", "sessions/", {"role": "Ferry master", "job_description": "Steers it."})
        completed = 'sum(operations_total{status="completed", kind="question_generation"})'
        wait_for(lambda: prometheus.value(completed) == 1, "the end was not counted")

        worker = production.processes.pop()
        end_all([worker], within_seconds=30)
        wait_for(lambda: prometheus.value("operations_workers") == 0, "a dead worker is counted")
        production.start_worker()
        wait_for(lambda: prometheus.value("operations_workers") == 1, "it is not seen again")

        assert prometheus.value(completed) == 1, "a restart lowers no counter"
