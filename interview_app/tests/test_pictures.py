"""The pictures of the docs: each is shown, each that is shown is there, all are small."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

DOCS = Path(settings.BASE_DIR, "docs")
PICTURE = re.compile(r"!\[([^\]]*)\]\((?:docs/)?images/([^)]+)\)")
MOST_BYTES = 900_000


def shown() -> dict[str, str]:
    """File names and what is said about them."""
    pages = [DOCS.parent / "README.md", *DOCS.glob("*.md")]
    found = (match for page in pages for match in PICTURE.findall(page.read_text("utf-8")))
    return {name: words for words, name in found}


def test_each_is_shown_and_each_that_is_shown_is_there() -> None:
    assert set(shown()) == {each.name for each in (DOCS / "images").iterdir()}


def test_each_says_what_it_shows() -> None:
    assert [name for name, words in shown().items() if not words.strip()] == []


def test_the_readme_shows_feedback_and_not_a_list() -> None:
    first = PICTURE.search((DOCS.parent / "README.md").read_text("utf-8"))

    assert first is not None
    assert first[2] == "feedback.webp"


def test_all_of_them_are_small() -> None:
    assert sum(each.stat().st_size for each in (DOCS / "images").glob("*.webp")) < MOST_BYTES
