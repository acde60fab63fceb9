"""A whole story with marked words, against real processes: where do the words turn up?

Every line of both processes' logs at DEBUG, every table, and every page of the admin that staff
without the permission to read content can open.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse

from config.line_length import MAX_LINE
from config.tests.production import Production
from config.tests.story import EMAIL, PASSWORDS, WORDS, Story
from config.tests.visitor import Page
from operations.tests.databases import opened, tables_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

# The owner's own rows: what a person wrote, and what was made from it.
PERSONAL_TABLES = {
    "interview_app_jobposting",
    "interview_app_resume",
    "interview_app_interviewsession",
    "interview_app_question",
    "interview_app_draft",
    "interview_app_answer",
    "interview_app_feedback",
    "interview_app_sessionsummary",
}
REFUSED = {"file", "refused", "garbage", "query"}
"""Words that no row takes."""
SHOWN_BY_ROW = (
    "auth/user",
    "interview_app/feedback",
    "interview_app/interviewsession",
    "interview_app/jobposting",
    "interview_app/resume",
    "interview_app/sessionsummary",
    "operations/contentview",
    "operations/operation",
)
TOKEN_KEY_LENGTH = 15
"""Of a token's beginning, by which knox finds its row. The secret is the rest."""
SHOWN_OF_HASH = 6
"""Characters that Django itself would show of salt and hash."""

Tables = dict[str, str]


def found(needles: Iterable[str], text: str) -> list[str]:
    return [needle for needle in needles if needle in text]


def found_in_tables(
    needles: Iterable[str], tables: Tables, *, beside: Iterable[str] = ()
) -> dict[str, list[str]]:
    """What stands in which table, without those `beside` that may hold it."""
    hits = {name: found(needles, text) for name, text in tables.items() if name not in set(beside)}
    return {name: needles for name, needles in hits.items() if needles}


def found_in_pages(needles: Iterable[str], pages: Iterable[Page]) -> dict[str, list[str]]:
    hits = {page.url: found(needles, page.html) for page in pages}
    return {url: needles for url, needles in hits.items() if needles}


def tables_of(database: Any) -> Tables:
    """Every value of every table, those of Django and django-q2 too."""
    return {
        name: "\n".join(map(repr, database.execute(f'SELECT * FROM "{name}"')))  # noqa: S608
        for name in tables_in(database)
    }


@dataclass
class Left:
    """What the story left behind, and what must not be seen of it."""

    log: str
    tables: Tables
    secrets: list[str]
    hash_parts: list[str]
    digests: list[str]

    @classmethod
    def behind(cls, story: Story) -> Left:
        with opened(story.production.database_url) as database:
            tables = tables_of(database)
            hashes = column(database, "SELECT password FROM auth_user")
            digests = column(database, "SELECT digest FROM knox_authtoken")
        return cls(
            log=story.production.log.read_text(),
            tables=tables,
            secrets=[
                *PASSWORDS.values(),
                *(token[TOKEN_KEY_LENGTH:] for token in story.tokens),
                story.production.environment["DJANGO_SECRET_KEY"],
                story.production.environment["FIELD_ENCRYPTION_KEY"],
            ],
            hash_parts=[part[:SHOWN_OF_HASH] for each in hashes for part in each.split("$")[2:]],
            digests=digests,
        )


def column(database: Any, query: str) -> list[str]:
    return [value for (value,) in database.execute(query)]


@pytest.fixture(params=["debug", "production"])
def production(
    request: pytest.FixtureRequest, tmp_path: Path, free_port: int
) -> Iterator[Production]:
    variables = {
        "DJANGO_DEBUG": "true" if request.param == "debug" else "false",
        "LOG_LEVEL": "DEBUG",
        "REGISTRATION_OPEN": "true",
        "SIMULATED_FAULTS": "invalid_response:0.3,internal:0.2",
    }
    production = Production(tmp_path, free_port, variables)
    try:
        production.start(worker=True)
        yield production
    finally:
        production.stop()


def test_marked_words_and_secrets_are_where_they_belong_and_nowhere_else(
    production: Production,
) -> None:
    story = Story(production)

    story.tell()

    production.stop()
    left = Left.behind(story)
    assert_that_there_was_something_to_find(story, left)
    assert_that_each_search_finds_what_is_planted(story, left)

    unspeakable = [*WORDS.values(), *left.secrets, *left.hash_parts, *left.digests]
    assert found([*unspeakable, EMAIL], left.log) == []
    assert found(["SELECT", "INSERT"], left.log) == []
    assert max(map(len, left.log.splitlines())) <= MAX_LINE
    assert found_in_tables(WORDS.values(), left.tables, beside=PERSONAL_TABLES) == {}
    assert found_in_tables(left.secrets, left.tables) == {}
    assert found_in_tables(left.hash_parts, left.tables, beside={"auth_user"}) == {}
    # A token's digest is its key: the table of what its owner sees of it points there.
    tokens = {"knox_authtoken", "interview_app_accesstoken"}
    assert found_in_tables(left.digests, left.tables, beside=tokens) == {}
    assert found_in_tables([EMAIL], left.tables, beside={"auth_user"}) == {}
    assert found_in_pages(unspeakable, story.clerk_saw) == {}
    assert found_in_pages([EMAIL], without_pages_of_people(story.clerk_saw)) == {}


def assert_that_there_was_something_to_find(story: Story, left: Left) -> None:
    assert (len(left.digests), len(left.hash_parts)) == (1, 6)
    assert "'failed'" in left.tables["operations_attempt"]
    assert '"level": "debug"' in left.log
    assert '"event": "http.request"' in left.log
    kept = [word for name, word in WORDS.items() if name not in REFUSED]
    assert found(kept, "\n".join(left.tables[name] for name in PERSONAL_TABLES)) == kept
    assert WORDS["answer"] in story.root_saw[1].html
    assert pages_missing_from(story.clerk_saw) == set()


def assert_that_each_search_finds_what_is_planted(story: Story, left: Left) -> None:
    """In copies of the log, a page and a table."""
    needles = [*WORDS.values(), *left.secrets, *left.hash_parts, *left.digests, EMAIL]
    for needle in needles:
        line = json.dumps({"event": f"a line with {needle} in it"})
        assert needle in found(needles, f"{left.log}{line}\n")
        html = story.clerk_saw[0].html.replace("</body>", f"{needle}</body>")
        assert needle in found_in_pages(needles, [Page("/planted/", 200, html)])["/planted/"]
    planted = tables_with(" ".join(needles), story.production)
    assert found_in_tables(needles, planted, beside={"auth_user"})["operations_attempt"] == needles


def tables_with(text: str, production: Production) -> Tables:
    """As they would be; nothing of it is kept."""
    quoted = text.replace("'", "''")
    with opened(production.database_url) as database:
        database.execute(f"UPDATE operations_attempt SET detail = '{quoted}'")  # noqa: S608
        return tables_of(database)


def pages_missing_from(pages: list[Page]) -> set[str]:
    """The lists of the admin that were not seen, and the models of which no row's page was."""
    seen = {page.path for page in pages if page.status == 200}
    lists = {
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    }
    rows = {path for path in seen if path.endswith("/change/")}
    without_rows = {
        f"/admin/{name}/"
        for name in SHOWN_BY_ROW
        if not any(path.startswith(f"/admin/{name}/") for path in rows)
    }
    return (lists - seen) | without_rows


def without_pages_of_people(pages: list[Page]) -> list[Page]:
    """Who may see a person may see the person's address, on that person's page alone."""
    return [page for page in pages if not re.fullmatch(r"/admin/auth/user/\d+/change/", page.path)]
