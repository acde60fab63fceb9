"""Each import contract of pyproject.toml catches a violation that is put in front of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

PACKAGES = ("config", "operations", "interview_app")
SEEDS = {
    "direction": ("operations/models.py", "import interview_app.models"),
    "operations-rooms": ("operations/queries.py", "import operations.admin"),
    "interview-rooms": ("interview_app/models.py", "import interview_app.services"),
    "openai": ("interview_app/services.py", "import openai"),
    "web-without-openai": ("operations/engine/transitions.py", "import operations.openai_service"),
    "tenacity": ("operations/services.py", "import tenacity"),
    "django-q": ("operations/services.py", "import django_q.tasks"),
    "drf": ("operations/services.py", "import rest_framework"),
}


def contracts() -> list[str]:
    configuration = tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())
    return [contract["id"] for contract in configuration["tool"]["importlinter"]["contracts"]]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(
            Path(settings.BASE_DIR) / package,
            tmp_path / package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    shutil.copy(Path(settings.BASE_DIR) / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(directory: Path, contract: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("lint-imports")),
            "--no-cache",
            "--no-logo",
            "--contract",
            contract,
        ],
        cwd=directory,
        capture_output=True,
        text=True,
    )


def test_every_contract_has_a_seeded_violation() -> None:
    assert sorted(SEEDS) == sorted(contracts())


@pytest.mark.slow
@pytest.mark.parametrize("contract", SEEDS)
def test_contract_catches_a_violation(contract: str, copy: Path) -> None:
    clean = lint_imports(copy, contract)
    module, statement = SEEDS[contract]
    path = copy / module
    path.write_text(f"{path.read_text()}\n{statement}\n")
    seeded = lint_imports(copy, contract)

    assert clean.returncode == 0, clean.stdout
    assert seeded.returncode == 1
    assert "BROKEN" in seeded.stdout, seeded.stdout
