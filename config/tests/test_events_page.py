"""docs/events.md names each event that the code logs, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from operations import events

PAGE = Path(settings.BASE_DIR) / "docs" / "events.md"
NAME = re.compile(r"[a-z]+\.[a-z_]+")
BY_DJANGO_STRUCTLOG = {"http.request"}
METHODS = {"debug", "info", "warning", "error", "exception", "critical"}


def documented() -> set[str]:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def logged() -> set[str]:
    constants = {value for name, value in vars(events).items() if name.isupper()}
    named = {each for each in constants if isinstance(each, str) and NAME.fullmatch(each)}
    return named | set(logged_in_place()) | BY_DJANGO_STRUCTLOG


def logged_in_place() -> Iterator[str]:
    for package in ("config", "operations", "interview_app"):
        for path in sorted((Path(settings.BASE_DIR) / package).rglob("*.py")):
            if "tests" not in path.parts and "migrations" not in path.parts:
                yield from events_in(path.read_text())


def events_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr=method), args=[ast.Constant(value=str(said)), *_]
            ) if method in METHODS and NAME.fullmatch(said):
                yield said


def test_page_names_each_event_and_no_other() -> None:
    assert documented() == logged()


def test_an_event_that_is_logged_in_place_is_found() -> None:
    assert list(events_in('logger.warning("tea.cold", cups=2)\nlogger.info("A sentence.")')) == [
        "tea.cold"
    ]
