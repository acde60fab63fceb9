"""Errors in German: each code has its words, the join with the lead reads well, and the language is
the reader's at the moment of reading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from django.utils.translation import override

from operations.errors import (
    RULES,
    Rule,
    duration_text,
    error_action,
    error_happened,
    error_message,
    error_next_step,
)
from operations.kinds import Kind, all_kinds
from operations.models import Operation
from operations.queries import waiting_message
from operations.refusals import Refusal
from operations.tests.api_client import api_client, assert_problem
from operations.tests.factories import OperationFactory, UserFactory

EVERY_RULE = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
EITHER_KEY = pytest.mark.parametrize("own_key", [False, True], ids=["our_key", "own_key"])
PARTS = (error_happened, error_next_step, error_action)
OPERATIONS = "/api/v1/operations/"


@pytest.fixture
def german() -> Iterator[None]:
    with override("de"):
        yield


@EVERY_RULE
@EITHER_KEY
def test_every_part_of_a_message_has_german_words(rule: Rule, own_key: bool) -> None:
    with override("en"):
        english = [part(rule.code, own_key=own_key) for part in PARTS]
    with override("de"):
        german = [part(rule.code, own_key=own_key) for part in PARTS]

    assert not set(english) & set(german)


@EVERY_RULE
@EITHER_KEY
@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.name)
def test_lead_and_clause_make_one_sentence(
    rule: Rule, own_key: bool, kind: Kind, german: None
) -> None:
    sentence = error_happened(rule.code, own_key=own_key, lead=str(kind.failure_lead))

    # After a colon German writes a whole sentence with a capital.
    assert re.fullmatch(r"Wir konnten dein[^:.]+: [A-ZÄÖÜ][^:.]+\.", sentence)


@EVERY_RULE
@EITHER_KEY
def test_english_lead_and_clause_share_one_colon(rule: Rule, own_key: bool) -> None:
    sentence = error_happened(rule.code, own_key=own_key, lead="We could not do this")

    assert sentence.count(":") == 1


@EVERY_RULE
def test_message_says_that_nothing_is_lost(rule: Rule, german: None) -> None:
    assert "Alles, was du geschrieben hast, ist gespeichert." in error_message(rule.code)


@EVERY_RULE
def test_administration_is_told_where_the_text_says_so(rule: Rule, german: None) -> None:
    assert ("Administration weiß Bescheid" in error_message(rule.code)) is rule.tells_admin


@pytest.mark.parametrize(
    "code",
    [code for code, rule in RULES.items() if rule.pauses and code != "REGION_NOT_SUPPORTED"],
)
def test_own_key_message_speaks_of_the_persons_key(code: str, german: None) -> None:
    message = error_message(code, own_key=True)

    assert "dein" in message
    assert "Administration" not in message


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 Sekunde"),
        (40, "40 Sekunden"),
        (91, "2 Minuten"),
        (5_500, "2 Stunden"),
        (43_200, "12 Stunden"),
    ],
)
def test_durations_have_their_plurals(seconds: int, words: str, german: None) -> None:
    assert duration_text(seconds) == words


def test_rate_limit_message_says_when(german: None) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        later = timezone.now() + timedelta(seconds=40)
        action = error_action("RATE_LIMIT_EXCEEDED", retry_after_at=later)

    assert action == "Du kannst es in 40 Sekunden noch einmal versuchen."


@pytest.mark.parametrize("reason", Operation.Waiting.values)
def test_every_reason_to_wait_has_german_words(reason: str) -> None:
    with override("en"):
        english = waiting_message(reason)
    with override("de"):
        assert waiting_message(reason) != english


def refusals(family: type[Refusal] = Refusal) -> list[type[Refusal]]:
    return [family, *(each for child in family.__subclasses__() for each in refusals(child))]


@pytest.mark.parametrize("refusal", refusals(), ids=lambda refusal: refusal.code)
def test_every_refusal_has_german_words(refusal: type[Refusal]) -> None:
    arguments = {"THROTTLED": (90,), "DRAFT_CHANGED": (None,)}.get(refusal.code, ())
    with override("en"):
        english = str(refusal(*arguments))
    with override("de"):
        assert str(refusal(*arguments)) != english


@pytest.mark.django_db
def test_an_error_is_told_in_the_language_of_whoever_reads_it() -> None:
    alice = UserFactory()
    failed = OperationFactory(owner=alice, failed=True)
    client = api_client(alice)

    told = {
        language: client.get(
            f"{OPERATIONS}{failed.pk}/", headers={"Accept-Language": language}
        ).json()
        for language in ("en", "de", "fr")
    }

    assert "We could not prepare your questions: the AI" in told["en"]["error_message"]
    assert "Wir konnten deine Fragen nicht vorbereiten: Der KI" in told["de"]["error_message"]
    assert told["fr"]["error_message"] == told["en"]["error_message"]
    assert told["de"]["error_code"] == told["en"]["error_code"] == "SERVER_ERROR"


@pytest.mark.django_db
def test_an_etag_belongs_to_one_language() -> None:
    alice = UserFactory()
    address = f"{OPERATIONS}{OperationFactory(owner=alice, failed=True).pk}/"
    english = api_client(alice).get(address, headers={"Accept-Language": "en"})

    german = api_client(alice).get(
        address, headers={"Accept-Language": "de", "If-None-Match": english["ETag"]}
    )

    assert german.status_code == 200
    assert "Accept-Language" in german["Vary"]


@pytest.mark.django_db
def test_a_problem_document_speaks_the_language_of_its_reader() -> None:
    alice = UserFactory()
    pending = OperationFactory(owner=alice)

    response = api_client(alice).post(
        f"{OPERATIONS}{pending.pk}/retry/", headers={"Accept-Language": "de"}
    )

    problem = assert_problem(response, 409, "NOT_RETRYABLE")
    assert problem["detail"].startswith("Nur ein fehlgeschlagener oder abgebrochener Vorgang")
