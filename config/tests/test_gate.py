"""What keeps the frame honest: documents, requirements, templates and scripts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines

BASE_DIR = Path(settings.BASE_DIR)
DOCUMENTS = [BASE_DIR / "README.md", BASE_DIR / "CHANGELOG.md", *BASE_DIR.glob("docs/**/*.md")]
SETS = ("base", "scale", "telemetry", "sentry", "dev")
TEMPLATES = sorted((BASE_DIR / "templates").rglob("*.html"))


# `make test` runs the suite, and a make below another one speaks differently.
OUTSIDE_MAKE = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}


def pins(requirements: str) -> dict[str, str]:
    text = (BASE_DIR / "requirements" / requirements).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def chosen(requirements: str) -> set[str]:
    text = (BASE_DIR / "requirements" / requirements).read_text()
    return set(re.findall(r"^([a-z0-9][a-z0-9-]+)", text, re.MULTILINE))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_template_compiles(path: Path) -> None:
    engines["django"].from_string(path.read_text())


@pytest.mark.parametrize("smaller", ["base.txt", "scale.txt", "telemetry.txt", "sentry.txt"])
def test_suite_runs_on_the_versions_that_are_installed_in_production(smaller: str) -> None:
    everything = pins("dev.txt")

    assert {name: everything.get(name) for name in pins(smaller)} == pins(smaller)


@pytest.mark.parametrize("name", SETS)
def test_every_requirement_is_pinned_with_a_hash_and_names_no_index(name: str) -> None:
    text = (BASE_DIR / "requirements" / f"{name}.txt").read_text()

    for entry in re.split(r"\n(?=[a-z0-9-]+==)", text)[1:]:
        assert "--hash=sha256:" in entry, entry
    assert "index-url" not in text
    assert "://" not in text


def test_every_chosen_dependency_has_a_line_that_says_what_it_is_for() -> None:
    explained = (BASE_DIR / "docs" / "dependencies.md").read_text()

    names = set().union(*(chosen(f"{name}.in") for name in SETS))
    assert {n for n in names if not re.search(rf"\b{n}(\[[a-z-]+\])?(?=[, |])", explained)} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)[^):]*\)", document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


def test_readme_is_short_and_starts_with_the_two_commands() -> None:
    lines = (BASE_DIR / "README.md").read_text().splitlines()

    assert len(lines) <= 150
    assert any(line.startswith("make run") for line in lines[:15])
    assert any(line.startswith("make test") for line in lines[:15])


@pytest.mark.parametrize("document", sorted((BASE_DIR / "docs" / "decisions").glob("*.md")))
def test_decision_fits_on_a_page(document: Path) -> None:
    assert len(document.read_text().splitlines()) <= 40


@pytest.mark.parametrize("script", [".ci/run", ".ci/translations"])
def test_script_can_be_run_and_parses(script: str) -> None:
    assert os.access(BASE_DIR / script, os.X_OK)
    subprocess.run(["bash", "-n", script], cwd=BASE_DIR, check=True)


@pytest.mark.parametrize(
    ("refuses", "sentence"),
    [("version_info", "Python 3.11 or newer is needed"), ("ensurepip", "install python3-venv")],
    ids=["a Python that is too old", "a Python without venv"],
)
def test_make_says_in_one_sentence_what_the_machine_lacks(
    refuses: str, sentence: str, tmp_path: Path
) -> None:
    shutil.copy(BASE_DIR / "Makefile", tmp_path)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncase "$2" in *{refuses}*) exit 1;; esac\n')
    python.chmod(0o755)

    ended = subprocess.run(
        ["make", "--no-print-directory", ".venv/.created", f"PYTHON={python}"],
        cwd=tmp_path,
        env=OUTSIDE_MAKE,
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 2
    said = [line for line in ended.stderr.splitlines() if not line.startswith("make: ***")]
    assert len(said) == 1
    assert sentence in said[0]


def test_make_help_lists_every_command() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=BASE_DIR,
        env=OUTSIDE_MAKE,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    phony = re.findall(r"^\.PHONY: (\S+)", (BASE_DIR / "Makefile").read_text(), re.MULTILINE)
    assert [line.split()[0] for line in listed.splitlines()] == phony
