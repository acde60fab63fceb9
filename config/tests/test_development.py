from __future__ import annotations

from pathlib import Path

import pytest

from config import development

COMMAND = ["manage.py", "retry_operations", "--all"]


def recalled(tmp_path: Path, argv: list[str] | None = None, /, **variables: str) -> bool:
    (tmp_path / ".local").mkdir(exist_ok=True)
    said = dict(variables)
    development.recall(said, base_dir=tmp_path, argv=argv or COMMAND)
    return said != variables


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    (tmp_path / ".local").mkdir()
    development.note(tmp_path, {"DATABASE_URL": "sqlite:///ours"})
    return tmp_path


def test_a_command_goes_on_where_up_has_begun(marked: Path) -> None:
    assert recalled(marked, DATABASE_URL="sqlite:///ours")


@pytest.mark.parametrize(
    "argv",
    [["manage.py", "up"], ["manage.py", "operations_worker"], ["-c"], ["granian", "config.wsgi"]],
)
def test_what_serves_or_works_does_not(marked: Path, argv: list[str]) -> None:
    assert not recalled(marked, argv, DATABASE_URL="sqlite:///ours")


@pytest.mark.parametrize("name", ["DJANGO_DEBUG", "DJANGO_SECRET_KEY", "FIELD_ENCRYPTION_KEY"])
def test_what_somebody_said_counts(marked: Path, name: str) -> None:
    assert not recalled(marked, DATABASE_URL="sqlite:///ours", **{name: "said"})


def test_another_database_is_not_ours(marked: Path) -> None:
    assert not recalled(marked)
    assert not recalled(marked, DATABASE_URL="postgres://production.example.org/coach")


def test_without_a_mark_nothing_is_recalled(marked: Path) -> None:
    development.forget(marked)

    assert not recalled(marked, DATABASE_URL="sqlite:///ours")
