"""A rubric that an operator made: fixed once saved, one in use, and what answers it judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from interview_app.models import Answer, Feedback, Question, RubricIsFixed, RubricVersion
from interview_app.own_rubrics import add_version, put_into_use, take_out_of_use, version_in_use
from interview_app.second_opinions import ask_second_opinion
from interview_app.services import finish_session, save_answer
from interview_app.tests.engine import run_what_is_due
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
    RubricVersionFactory,
    own_criteria,
)
from interview_app.tests.samples import GERMAN_ANSWER, STRONG_ANSWER
from interview_app.tests.switched_provider import SwitchedProvider, simulated, switched_provider
from operations.models import Operation
from operations.services import cancel_operation, retry_operation
from operations.tests.api_client import api_client
from operations.tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

# --- Fixed --------------------------------------------------------------------------------------


def save(rubric: RubricVersion) -> None:
    rubric.criteria = own_criteria("other", "another")
    rubric.save()


def save_one_field(rubric: RubricVersion) -> None:
    rubric.slug = "other"
    rubric.save(update_fields=["slug"])


EDITS: dict[str, Callable[[RubricVersion], object]] = {
    "save": save,
    "one field": save_one_field,
    "update": lambda rubric: RubricVersion.objects.update(criteria=[]),
    "filtered": lambda rubric: RubricVersion.objects.filter(pk=rubric.pk).update(number=9),
    "bulk_update": lambda rubric: RubricVersion.objects.bulk_update([rubric], ["criteria"]),
    "update_or_create": lambda rubric: RubricVersion.objects.update_or_create(
        pk=rubric.pk, defaults={"slug": "other"}
    ),
    "upsert": lambda rubric: RubricVersion.objects.bulk_create(
        [rubric], update_conflicts=True, unique_fields=["id"], update_fields=["slug"]
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_saved_version_is_never_edited(edit: Callable[[RubricVersion], object]) -> None:
    rubric = RubricVersionFactory()
    before = RubricVersion.objects.values().get()

    with pytest.raises(RubricIsFixed):
        edit(rubric)

    assert RubricVersion.objects.values().get() == before


DELETIONS: dict[str, Callable[[RubricVersion], object]] = {
    "one": lambda rubric: rubric.delete(),
    "many": lambda rubric: RubricVersion.objects.all().delete(),
}


@pytest.mark.parametrize("delete", DELETIONS.values(), ids=DELETIONS.keys())
def test_a_version_that_was_in_use_stays(delete: Callable[[RubricVersion], object]) -> None:
    rubric = RubricVersionFactory()
    put_into_use(rubric)  # the copy that is deleted does not know of it
    take_out_of_use(rubric)

    with pytest.raises(RubricIsFixed):
        delete(rubric)

    assert RubricVersion.objects.exists()


@pytest.mark.parametrize("delete", DELETIONS.values(), ids=DELETIONS.keys())
def test_a_version_that_was_never_in_use_may_go(delete: Callable[[RubricVersion], object]) -> None:
    delete(RubricVersionFactory())

    assert not RubricVersion.objects.exists()


def test_a_version_outlives_the_account_that_made_it() -> None:
    author = UserFactory()
    RubricVersionFactory(created_by=author, now_in_use=True)

    author.delete()

    assert RubricVersion.objects.get().created_by is None


# --- One in use ---------------------------------------------------------------------------------


def test_a_second_one_for_the_same_questions_takes_the_place_of_the_first() -> None:
    first, second = RubricVersionFactory(), RubricVersionFactory()
    other = RubricVersionFactory(slug="calm", question_type="behavioral")
    for each in (first, other, second):
        put_into_use(each)

    assert version_in_use("technical") == second.version
    assert version_in_use("behavioral") == other.version
    assert version_in_use("situational") == ""


def test_the_database_takes_no_second_one_in_use() -> None:
    RubricVersionFactory(now_in_use=True)
    another = RubricVersionFactory(used=True)

    with pytest.raises(IntegrityError), transaction.atomic():
        RubricVersion.objects.filter(pk=another.pk).update(in_use=True)


def test_versions_of_a_name_are_counted() -> None:
    names = ["billing", "billing", "calm"]

    made = [add_version(RubricVersionFactory.build(slug=each), created_by=None) for each in names]

    assert [each.version for each in made] == ["billing-1", "billing-2", "calm-1"]


def test_a_name_serves_one_type_of_question() -> None:
    RubricVersionFactory(slug="billing")

    with pytest.raises(ValidationError, match="judge answers to other questions"):
        RubricVersionFactory(slug="billing", question_type="behavioral")


def without(part: str) -> list[dict[str, Any]]:
    criteria: list[dict[str, Any]] = own_criteria("safety", "cost")
    del criteria[1]["texts"]["de"][part]
    return criteria


FAULTY: dict[str, Any] = {
    "one criterion": own_criteria("safety"),
    "nine criteria": own_criteria(*"abcdefghi"),
    "a key twice": own_criteria("safety", "safety"),
    "a key with a blank": own_criteria("safety", "the cost"),
    "no language": own_criteria("safety", "cost", languages=()),
    "an anchor missing": without("middle"),
    "half translated": own_criteria("safety") + own_criteria("cost", languages=("en",)),
}


@pytest.mark.parametrize("criteria", FAULTY.values(), ids=FAULTY.keys())
@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_what_no_answer_could_be_judged_by_is_not_saved(criteria: Any, many: bool) -> None:
    rubric = RubricVersionFactory.build(criteria=criteria)

    with pytest.raises(ValidationError):
        RubricVersion.objects.bulk_create([rubric]) if many else rubric.save()


# --- What is judged by it -----------------------------------------------------------------------


def question_of(owner: User, **values: Any) -> Question:
    session = InterviewSessionFactory(owner=owner, **values)
    made: Question = QuestionFactory(session=session, technical=True)
    return made


def rubric_of(answer: Answer) -> str:
    return str(Feedback.objects.get(answer=answer).rubric_version)


@pytest.mark.parametrize("at_first", ["own", "built-in"])
def test_a_retry_after_a_switch_uses_the_rubric_of_the_first_run(
    alice: User, at_first: str
) -> None:
    old, new = RubricVersionFactory(), RubricVersionFactory()
    if at_first == "own":
        put_into_use(old)
    answer, operation = save_answer(question=question_of(alice), text=STRONG_ANSWER)
    cancel_operation(operation_id=operation.pk, actor=alice, door="page")
    put_into_use(new)

    retry_operation(operation_id=operation.pk, actor=alice, door="page", model="other-model")
    later, _ = save_answer(question=question_of(alice), text=STRONG_ANSWER)
    run_what_is_due()

    assert rubric_of(answer) == (old.version if at_first == "own" else "technical-1")
    assert rubric_of(later) == new.version


def test_a_second_opinion_is_by_the_first_ones_rubric(alice: User) -> None:
    old, new = RubricVersionFactory(), RubricVersionFactory()
    put_into_use(old)
    question = question_of(alice)
    answer, _ = save_answer(question=question, text=STRONG_ANSWER)
    run_what_is_due()
    put_into_use(new)

    ask_second_opinion(question=question)
    run_what_is_due()

    answer.refresh_from_db()
    assert answer.second_opinion.rubric_version == old.version
    assert [each["key"] for each in answer.second_opinion.criteria] == [
        "safety",
        "cost",
        "handover",
    ]


def test_other_questions_keep_the_rubric_that_comes_with_the_product(alice: User) -> None:
    put_into_use(RubricVersionFactory())
    behavioral = QuestionFactory(session__owner=alice)

    answer, _ = save_answer(question=behavioral, text=STRONG_ANSWER)
    run_what_is_due()

    assert rubric_of(answer) == "behavioural-1"


def test_answers_to_many_rubrics_are_judged_in_one_go(alice: User) -> None:
    rubrics = [RubricVersionFactory() for _ in range(3)]
    answers = []
    for rubric in rubrics:
        put_into_use(rubric)
        answers.append(save_answer(question=question_of(alice), text=STRONG_ANSWER)[0])

    run_what_is_due()

    assert [rubric_of(each) for each in answers] == [each.version for each in rubrics]


def test_an_operation_whose_rubric_was_torn_out_of_the_database_fails(alice: User) -> None:
    """By hand alone. Another rubric would not be what was asked for; nobody else's call suffers."""
    put_into_use(RubricVersionFactory())
    lost, operation = save_answer(question=question_of(alice), text=STRONG_ANSWER)
    RubricVersion.objects.all()._raw_delete("default")
    answer, _ = save_answer(question=question_of(alice), text=STRONG_ANSWER)

    run_what_is_due()

    operation.refresh_from_db()
    assert (operation.status, operation.error_code) == ("failed", "INTERNAL_ERROR")
    assert not Feedback.objects.filter(answer=lost).exists()
    assert rubric_of(answer) == "technical-1"


# --- What the provider is told ------------------------------------------------------------------


@pytest.fixture
def provider(settings: Any) -> Iterator[SwitchedProvider]:
    """A real one, as far as the product can tell; it keeps what it was asked in `asked`."""
    with switched_provider() as server:
        settings.OPENAI_BASE_URL = server.url
        settings.OPENAI_MODEL = "some-model"
        server.asked = []  # type: ignore[attr-defined]

        def noting(request: dict[str, Any]) -> object:
            server.asked.append(request)  # type: ignore[attr-defined]
            return simulated(request)

        server.content_of = noting
        yield server


def judged(owner: User, provider: SwitchedProvider, **values: Any) -> Feedback:
    answer, _ = save_answer(question=question_of(owner, **values), text=STRONG_ANSWER)
    run_what_is_due()
    return Feedback.objects.get(answer=answer)


@pytest.mark.parametrize(
    ("language", "languages", "used"),
    [("en", ("en", "de"), "en"), ("de", ("en", "de"), "de"), ("de", ("en",), "en")],
    ids=["English", "German", "no German"],
)
def test_the_provider_is_asked_by_this_rubric_in_the_language_of_the_practice(
    alice: User,
    provider: SwitchedProvider,
    language: str,
    languages: tuple[str, ...],
    used: str,
) -> None:
    put_into_use(RubricVersionFactory(criteria=own_criteria("safety", "cost", languages=languages)))

    feedback = judged(alice, provider, language=language)

    (asked,) = provider.asked  # type: ignore[attr-defined]
    line = (
        f"- cost (Cost, name ({used}): Cost, looks_at ({used})): 1 = Cost, low ({used});"
        f" 3 = Cost, middle ({used}); 5 = Cost, high ({used})"
    )
    system = asked["messages"][0]["content"]
    assert line in system.splitlines()
    assert "relevance" not in system
    schema = asked["response_format"]["json_schema"]["schema"]["properties"]
    assert list(schema["criteria"]["properties"]) == ["safety", "cost"]
    assert schema["fixes"]["items"]["properties"]["criterion"]["enum"] == ["safety", "cost"]
    assert [each["name"] for each in feedback.criteria] == [
        f"Safety, name ({used})",
        f"Cost, name ({used})",
    ]


def test_the_same_answer_is_judged_anew_by_another_rubric(
    alice: User, provider: SwitchedProvider
) -> None:
    first, second = RubricVersionFactory(), RubricVersionFactory()
    by_default = judged(alice, provider)
    found = []
    for each in (first, first, second, first):
        put_into_use(each)
        found.append(judged(alice, provider))

    assert not by_default.reused
    assert [each.reused for each in found] == [False, True, False, True]
    assert found[3].rubric_version == first.version
    assert found[3].criteria == found[0].criteria


# --- What people see ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "text"), [("en", STRONG_ANSWER), ("de", GERMAN_ANSWER)], ids=["English", "German"]
)
def test_an_own_rubric_goes_through_page_api_export_and_summary(
    client: Client, alice: User, language: str, text: str
) -> None:
    put_into_use(RubricVersionFactory())
    question = question_of(alice, language=language, question_count=1)
    save_answer(question=question, text=text)
    run_what_is_due()
    finish_session(session=question.session)
    run_what_is_due()
    take_out_of_use(RubricVersion.objects.get())
    client.force_login(alice)

    page = client.get(f"/questions/{question.pk}/").text
    told = api_client(alice).get(f"/api/v1/sessions/{question.session_id}/").json()
    exported = api_client(alice).get(f"/api/v1/sessions/{question.session_id}/export/").text

    feedback = told["questions"][0]["feedback"]
    version = RubricVersion.objects.get().version
    names = [f"{each} ({language})" for each in ("Safety, name", "Cost, name", "Handover, name")]
    assert [each["name"] for each in feedback["criteria"]] == names
    assert [each["key"] for each in feedback["criteria"]] == ["safety", "cost", "handover"]
    assert feedback["rubric_version"] == version
    scores = [each["score"] for each in feedback["criteria"]]
    assert None not in scores
    assert feedback["score"] == pytest.approx(sum(scores) / 3, abs=0.051)
    assert told["summary"]["overall"] == feedback["score"]
    assert all(name in page and name in exported for name in names)
    assert f"rubric {version}" in page
    for fix in feedback["fixes"]:
        assert f"<strong>{fix['criterion'].capitalize()}, name ({language}):</strong>" in page


def test_a_stored_result_keeps_the_names_of_its_own_rubric(client: Client, alice: User) -> None:
    """Nobody asks for the rubric to show it: a later version with other names changes nothing."""
    criteria = [{"key": "relevance", "score": 2.0, "reason": "", "name": "What we sell"}]
    feedback = FeedbackFactory(
        answer__question__session__owner=alice,
        criteria=criteria,
        fixes=[{"criterion": "relevance", "quote": None, "why": "No.", "try_this": "Yes."}],
        rubric_version="billing-1",
    )
    client.force_login(alice)

    page = client.get(f"/questions/{feedback.answer.question_id}/").text

    assert "What we sell</span>" in page
    assert "<strong>What we sell:</strong>" in page
    assert "Relevance" not in page


def retaken(owner: User, before: dict[str, Any], now: dict[str, Any]) -> Any:
    first = InterviewSessionFactory(owner=owner)
    second = InterviewSessionFactory(owner=owner, retake_of=first)
    for session, values in ((first, before), (second, now)):
        FeedbackFactory(answer__question=QuestionFactory(session=session, **TECHNICAL), **values)
    return second


TECHNICAL = {"type": "technical", "competency": "Money"}


def by(version: str, score: float) -> dict[str, Any]:
    return {
        "rubric_version": version,
        "score": score,
        "criteria": [{"key": "action", "score": score, "reason": "", "name": "Own action"}],
    }


@pytest.mark.parametrize("before", ["technical-1", "calm-1", "billing-1"])
def test_scores_by_two_rubrics_are_not_set_against_each_other(
    client: Client, alice: User, before: str
) -> None:
    session = retaken(alice, by(before, 2.0), by("billing-2", 4.0))
    client.force_login(alice)

    page = client.get(f"/practice/{session.pk}/compare/").text

    assert "not given by the same measure" in page
    assert "+2.0" not in page


def test_criteria_of_an_own_rubric_are_no_others_though_called_the_same(
    client: Client, alice: User
) -> None:
    """Two types of question: one by the built-in rubric, one by an own one with the same key."""
    session = retaken(alice, by("billing-1", 2.0), by("billing-1", 4.0))
    for each in (session.retake_of, session):
        FeedbackFactory(answer=AnswerFactory(question=QuestionFactory(session=each)))
    client.force_login(alice)

    page = client.get(f"/practice/{session.pk}/compare/").text

    assert page.count('<th scope="row">Own action</th>') == 2
    assert '<td class="better">+2.0</td>' in page


def test_a_trend_begins_anew_with_another_rubric(client: Client, alice: User) -> None:
    for version, score in (("technical-1", 1.0), ("billing-1", 3.0), ("billing-1", 3.5)):
        question = QuestionFactory(session__owner=alice, **TECHNICAL)
        FeedbackFactory(answer__question=question, **by(version, score))
    client.force_login(alice)

    page = client.get("/progress/").text

    assert "up 0.5 since the first" in page
    assert "Judged by another rubric since" in page


def test_the_operation_names_its_rubric_and_nothing_else(alice: User) -> None:
    put_into_use(RubricVersionFactory(number=7))

    save_answer(question=question_of(alice), text=STRONG_ANSWER)

    assert Operation.objects.get().parameters == {"rubric": "billing-7"}
