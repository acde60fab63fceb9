"""Where the admin shows what an operation is about, and in which states a session can be. This app
knows no interview tables, so the one that has them says both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse


@dataclass(frozen=True)
class SubjectPage:
    url_name: str
    permission: str


@dataclass
class SessionStates:
    labels: Mapping[str, str] = field(default_factory=dict)
    having: Callable[[str], QuerySet[Any]] | None = None
    """The sessions with a status, as a subquery can hold them."""


_pages: dict[str, SubjectPage] = {}
session_states = SessionStates()


def register_subject_page(subject_type: str, url_name: str, *, permission: str) -> None:
    """`url_name`: an admin page that takes the subject's id, for those with the permission."""
    _pages[subject_type] = SubjectPage(url_name, permission)


def register_session_states(
    labels: Mapping[str, str], having: Callable[[str], QuerySet[Any]]
) -> None:
    session_states.labels, session_states.having = labels, having


def subject_url(subject_type: str, subject_id: object, user: Any) -> str:
    """Empty where nobody shows such a subject, or not to this user."""
    page = _pages.get(subject_type)
    if page is None or not subject_id or not user.has_perm(page.permission):
        return ""
    return reverse(page.url_name, args=(subject_id,))
