"""What `deploy/` says fits the code (variables, commands, ports, times); systemd takes its units.

The schemas of compose and Kubernetes, and the Dockerfile's linter: servers/tests/test_kit.py.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from config.environment import VARIABLES, Environment, read
from config.tests.dockerfile import stages
from config.tests.test_environment import PRODUCTION
from operations.workers.supervisor import CLUSTER_STOP_SECONDS

DEPLOY = Path(settings.BASE_DIR) / "deploy"
SYSTEMD = DEPLOY / "systemd"
KIT = sorted(
    path
    for path in DEPLOY.rglob("*")
    if path.is_file() and path.parent.name not in ("grafana", "prometheus")
)
OF_OTHERS = {"ENV_FILE", "POSTGRES_USER", "POSTGRES_PASSWORD", "AF_INET", "AF_UNIX"}
SPARE_SECONDS = 5
"""For a busy machine, on top of what our own code may take."""

IMAGE = stages(DEPLOY / "Dockerfile")[-1]
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
KUBERNETES = [
    each
    for path in sorted((DEPLOY / "kubernetes").iterdir())
    for each in yaml.safe_load_all(path.read_text())
]
PODS = {
    each["metadata"]["name"]: each["spec"]["template"]["spec"]
    for each in KUBERNETES
    if "template" in each["spec"]
}
CONTAINERS = {name: pod["containers"][0] for name, pod in PODS.items()}


@pytest.fixture
def defaults(tmp_path: Path) -> Environment:
    server = "postgres://practice@localhost/practice"
    return read({**PRODUCTION, "DATABASE_URL": server}, base_dir=tmp_path, terminal=False)


def commands() -> Iterator[list[str]]:
    """Whatever is started anywhere in the kit."""
    yield from (each.words for each in IMAGE if each.name == "CMD")
    yield from (
        each["command"]
        for each in COMPOSE["services"].values()
        if "python" in each.get("command", ())
    )
    yield from (each["command"] for each in CONTAINERS.values() if "command" in each)
    for unit in SYSTEMD.glob("*.service"):
        yield re.findall(r"^ExecStart=(.+)$", unit.read_text(), re.MULTILINE)[0].split()
    for line in (DEPLOY / "Procfile").read_text().splitlines():
        yield shlex.split(line.partition(": ")[2])


def test_every_variable_is_one_of_ours() -> None:
    said = {
        (path.name, word)
        for path in KIT
        for word in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", path.read_text())
    }

    assert {each for each in said if each[1] not in {*VARIABLES, *OF_OTHERS}} == set()
    assert {word for _, word in said} >= {"OPERATIONS_SHUTDOWN_GRACE_SECONDS", "WEB_DRAIN_SECONDS"}


def test_every_command_exists() -> None:
    found = list(commands())

    for words in found:
        if "manage.py" in words:
            assert words[words.index("manage.py") + 1] in get_commands(), words
        else:
            assert importlib.util.find_spec(words[words.index("-m") + 1]), words
    assert len(found) == 1 + 2 + 2 + 3 + 3


def test_nobody_is_killed_before_our_own_grace_has_ended(defaults: Environment) -> None:
    given = {
        unit.name: float(found.group(1))
        for unit in SYSTEMD.glob("*.service")
        if (found := re.search(r"^TimeoutStopSec=(\d+)$", unit.read_text(), re.MULTILINE))
    }
    for name in ("web", "worker"):
        given[f"compose {name}"] = float(
            COMPOSE["services"][name]["stop_grace_period"].removesuffix("s")
        )
        given[f"pod {name}"] = PODS[f"practice-{name}"]["terminationGracePeriodSeconds"]

    least = defaults.operations_shutdown_grace_seconds + CLUSTER_STOP_SECONDS + SPARE_SECONDS
    assert len(given) == 6
    assert {name: seconds for name, seconds in given.items() if seconds < least} == {}


def test_a_probe_sees_the_drain_before_it_ends(defaults: Environment) -> None:
    probe = CONTAINERS["practice-web"]["readinessProbe"]

    assert probe["httpGet"]["path"] == "/readyz"
    assert probe["periodSeconds"] <= defaults.web_drain_seconds


def test_everybody_means_the_same_port(defaults: Environment) -> None:
    variables = dict(
        word.split("=", 1) for each in IMAGE if each.name == "ENV" for word in each.words
    )
    web = CONTAINERS["practice-web"]
    in_pod = {each["name"]: each["value"] for each in web["env"]}

    ports = {
        variables["PORT"],
        next(each.rest for each in IMAGE if each.name == "EXPOSE"),
        COMPOSE["services"]["web"]["ports"][0].rpartition(":")[2],
        str(COMPOSE["services"]["web"]["environment"]["PORT"]),
        str(web["ports"][0]["containerPort"]),
        in_pod["PORT"],
        str(defaults.port),
    }
    assert len(ports) == 1
    assert {variables["BIND"], in_pod["BIND"]} == {"0.0.0.0"}  # noqa: S104


def test_each_pod_is_confined_alike() -> None:
    assert set(PODS) == {"practice-web", "practice-worker", "practice-migrate-1"}
    for confined in (
        [pod["securityContext"] for pod in PODS.values()],
        [container["securityContext"] for container in CONTAINERS.values()],
    ):
        assert confined == confined[:1] * 3
    user = next(each.rest for each in IMAGE if each.name == "USER")
    account = PODS["practice-web"]["securityContext"]
    assert user == f"{account['runAsUser']}:{account['runAsGroup']}"


def test_one_more_pod_for_as_many_calls_as_a_pod_has_in_flight(defaults: Environment) -> None:
    (scaled,) = [each for each in KUBERNETES if each["kind"] == "ScaledObject"]
    workers = {each["name"]: each["value"] for each in CONTAINERS["practice-worker"]["env"]}

    assert float(scaled["spec"]["triggers"][0]["metadata"]["threshold"]) == (
        defaults.operations_concurrency * int(workers["OPERATIONS_WORKERS"])
    )
    assert scaled["spec"]["scaleTargetRef"]["name"] in PODS


def test_what_the_image_takes_is_there() -> None:
    taken = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)

    assert [each for each in taken if not (Path(settings.BASE_DIR) / each).exists()] == []


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where systemd looks for them, with a program that is there."""
    directory = tmp_path / "units"
    shutil.copytree(SYSTEMD, directory)
    for unit in directory.glob("*.service"):
        text = unit.read_text().replace("/srv/practice/.venv/bin/python", sys.executable)
        unit.write_text(text)
    monkeypatch.setenv("SYSTEMD_UNIT_PATH", f"{directory}:")
    return sorted(unit.name for unit in directory.glob("*.service"))


def systemd_analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.systemd
def test_systemd_takes_the_units(units: list[str]) -> None:
    said = systemd_analyze("verify", "--man=no", *units)

    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.systemd
def test_units_are_confined(units: list[str]) -> None:
    """systemd's own measure of exposure, of 100: the threshold fails beyond it."""
    for unit in units:
        said = systemd_analyze("security", "--offline=yes", "--threshold=20", "--no-pager", unit)

        assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.systemd
def test_a_wrong_unit_is_found(units: list[str], tmp_path: Path) -> None:
    web = tmp_path / "units" / "practice-web.service"
    web.write_text(web.read_text().replace("KillMode=mixed", "KillMode=mixd"))

    assert "Failed to parse kill mode" in systemd_analyze("verify", "--man=no", *units).stderr
