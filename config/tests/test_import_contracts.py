"""Each import contract of pyproject.toml catches what it forbids, border by border.

The import graph is built once; a violation is an arrow that is added to a copy of it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import grimp
import pytest
from django.conf import settings
from importlinter.api import read_configuration
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract

PYPROJECT = Path(settings.BASE_DIR) / "pyproject.toml"
CONFIGURATION = read_configuration(str(PYPROJECT))
SESSION: dict[str, Any] = CONFIGURATION["session_options"]
CONTRACTS: dict[str, dict[str, Any]] = {
    each["id"]: each for each in CONFIGURATION["contracts_options"]
}
CLOSED = [name for name, contract in CONTRACTS.items() if contract.get("exhaustive")]
NO_ROOMS = {"tests", "migrations"}

FORBIDDEN = {
    "openai": ("interview_app.services", "openai"),
    "web-without-openai": ("operations.engine.transitions", "operations.openai_service"),
    "reading": ("interview_app.reading", "django"),
    "web-without-readers": ("interview_app.services", "pypdf"),
    "sentry": ("operations.services", "sentry_sdk"),
    "tenacity": ("operations.services", "tenacity"),
    "django-q": ("operations.services", "django_q"),
    "drf": ("operations.services", "rest_framework"),
}
DIRECTION = [
    ("operations.models", "interview_app.models"),
    ("operations.services", "config.settings"),
    ("interview_app.models", "config.settings"),
]


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph(
        *SESSION["root_packages"],
        include_external_packages=True,
        exclude_type_checking_imports=True,
        cache_dir=None,
    )


def is_kept(name: str, imports: grimp.ImportGraph) -> bool:
    kinds = {"layers": LayersContract, "forbidden": ForbiddenContract}
    options = CONTRACTS[name]
    contract = kinds[options["type"]](options["name"], SESSION, options)
    return bool(contract.check(deepcopy(imports), verbose=False).kept)


def catches(name: str, imports: grimp.ImportGraph, importer: str, imported: str) -> bool:
    """Whether the contract is broken by this import alone, which is taken back."""
    assert importer in imports.modules, importer
    assert imported in imports.modules, imported
    imports.add_import(importer=importer, imported=imported)
    try:
        return not is_kept(name, imports)
    finally:
        imports.remove_import(importer=importer, imported=imported)


def floors(name: str) -> list[list[str]]:
    """Each layer's modules that there are, the highest first."""
    (container,) = CONTRACTS[name]["containers"]
    return [
        [
            f"{container}.{room.strip()}"
            for room in layer.replace(":", "|").split("|")
            if not room.strip().startswith("(")
        ]
        for layer in CONTRACTS[name]["layers"]
    ]


def arrows_up(name: str) -> Iterator[tuple[str, str]]:
    """From each module to each of those on the floor above it."""
    for above, below in pairwise(floors(name)):
        yield from ((low, high) for low in below for high in above)


def arrows_aside(name: str) -> Iterator[tuple[str, str]]:
    """Between neighbours on one floor, both ways, where the floor's modules are independent."""
    for layer, rooms in zip(CONTRACTS[name]["layers"], floors(name), strict=True):
        if ":" not in layer:
            for left, right in pairwise(rooms):
                yield from ((left, right), (right, left))


def test_every_contract_is_tried() -> None:
    assert sorted([*FORBIDDEN, *CLOSED, "direction"]) == sorted(CONTRACTS)


@pytest.mark.parametrize("name", CONTRACTS)
def test_contract_holds(name: str, imports: grimp.ImportGraph) -> None:
    assert is_kept(name, imports)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_forbidden_import_is_caught(name: str, imports: grimp.ImportGraph) -> None:
    assert catches(name, imports, *FORBIDDEN[name])


@pytest.mark.parametrize(("importer", "imported"), DIRECTION)
def test_import_of_a_higher_app_is_caught(
    importer: str, imported: str, imports: grimp.ImportGraph
) -> None:
    assert catches("direction", imports, importer, imported)


@pytest.mark.parametrize("name", CLOSED)
def test_import_over_each_border_is_caught(name: str, imports: grimp.ImportGraph) -> None:
    seeds = [*arrows_up(name), *arrows_aside(name)]

    assert {importer for importer, _ in seeds} >= set(chain(*floors(name)[1:]))
    assert [seed for seed in seeds if not catches(name, imports, *seed)] == []


@pytest.mark.parametrize("name", CLOSED)
def test_every_module_stands_on_a_floor(name: str, imports: grimp.ImportGraph) -> None:
    (container,) = CONTRACTS[name]["containers"]
    imports = deepcopy(imports)

    imports.add_module(f"{container}.a_new_room")

    assert set(CONTRACTS[name].get("exhaustive_ignores", ())) <= NO_ROOMS
    assert not is_kept(name, imports)


@pytest.mark.slow
def test_command_of_the_gate_catches_a_violation_in_the_code(tmp_path: Path) -> None:
    for package in SESSION["root_packages"]:
        shutil.copytree(
            Path(settings.BASE_DIR) / package,
            tmp_path / package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    shutil.copy(PYPROJECT, tmp_path)
    clean = lint_imports(tmp_path)
    path = tmp_path / "operations" / "queries.py"
    path.write_text(f"{path.read_text()}\nimport operations.admin\n")
    seeded = lint_imports(tmp_path)

    assert clean.returncode == 0, clean.stdout
    assert seeded.returncode == 1
    assert f"Contracts: {len(CONTRACTS) - 1} kept, 1 broken." in seeded.stdout, seeded.stdout


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"],
        cwd=directory,
        capture_output=True,
        text=True,
    )
