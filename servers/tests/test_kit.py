"""`deploy/` by the rules of those who read it: compose's schema, Kubernetes', and hadolint's.

KEDA's ScaledObject (`scaling.yaml`) is no kind of Kubernetes' own and not in its schemas.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from servers.running import ROOT, program

pytestmark = pytest.mark.server("kit")

DEPLOY = ROOT / "deploy"
COMPOSE = ("check-jsonschema", "--builtin-schema", "vendor.compose-spec")
KUBERNETES = ("kubernetes-validate", "--strict")
CHECKS = {
    "Dockerfile": ("hadolint",),
    "compose.yaml": COMPOSE,
    "kubernetes/practice.yaml": KUBERNETES,
    "kubernetes/migrate.yaml": KUBERNETES,
}


def check(name: str, file: Path) -> subprocess.CompletedProcess[str]:
    tool, *options = CHECKS[name]
    return subprocess.run(
        [program("kit", tool), *options, str(file)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", CHECKS)
def test_file_is_sound(name: str) -> None:
    said = check(name, DEPLOY / name)

    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("Dockerfile", "FROM python:3.13-slim\n", "FROM python\n"),
        ("compose.yaml", "stop_grace_period", "stop_grace_time"),
        ("kubernetes/practice.yaml", "terminationGracePeriodSeconds", "terminationGraceSeconds"),
        ("kubernetes/migrate.yaml", "backoffLimit: 3", "backoffLimit: three"),
    ],
)
def test_mistake_is_found(name: str, right: str, wrong: str, tmp_path: Path) -> None:
    text = (DEPLOY / name).read_text()
    assert right in text
    file = tmp_path / Path(name).name
    file.write_text(text.replace(right, wrong))

    assert check(name, file).returncode != 0
