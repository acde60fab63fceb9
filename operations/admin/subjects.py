"""Where the admin shows what an operation is about. This app knows no interview tables, so the one
that has them says where its pages are."""

from __future__ import annotations

from django.urls import reverse

_pages: dict[str, str] = {}


def register_subject_page(subject_type: str, url_name: str) -> None:
    """`url_name`: an admin page that takes the subject's id."""
    _pages[subject_type] = url_name


def subject_url(subject_type: str, subject_id: object) -> str:
    """Empty where nobody shows such a subject."""
    name = _pages.get(subject_type)
    return reverse(name, args=(subject_id,)) if name and subject_id else ""
