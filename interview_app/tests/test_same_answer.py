"""The same answer has the same feedback: once judged, it is not judged again for its person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from interview_app.models import Answer, Feedback, Question
from interview_app.same_answer import content_hash, content_of
from interview_app.services import save_answer
from interview_app.tests.engine import run_what_is_due
from interview_app.tests.factories import AnswerFactory, InterviewSessionFactory, QuestionFactory
from interview_app.tests.samples import STRONG_ANSWER
from interview_app.tests.switched_provider import SwitchedProvider, simulated, switched_provider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(settings: Any) -> Iterator[SwitchedProvider]:
    """A real one, as far as the product can tell. It counts in `asked`, and never says the same."""
    with switched_provider() as server:
        settings.OPENAI_BASE_URL = server.url
        settings.OPENAI_MODEL = "some-model"
        server.asked = 0  # type: ignore[attr-defined]

        def moody(request: dict[str, Any]) -> object:
            server.asked += 1  # type: ignore[attr-defined]
            content: Any = simulated(request)
            for criterion in content["criteria"].values():
                criterion["score"] = 1 + server.asked % 5  # type: ignore[attr-defined]
            return content

        server.content_of = moody
        yield server


def asked_of(provider: SwitchedProvider) -> int:
    return int(provider.asked)  # type: ignore[attr-defined]


def question_of(owner: User, **values: Any) -> Question:
    session = InterviewSessionFactory(owner=owner, role="Engineer")
    made: Question = QuestionFactory(session=session, **{"text": "When was that?"} | values)
    return made


def judged(question: Question, text: str = STRONG_ANSWER) -> Feedback:
    answer, _ = save_answer(question=question, text=text)
    run_what_is_due()
    return Feedback.objects.get(answer=answer)


def test_the_same_answer_is_judged_once(alice: User, provider: SwitchedProvider) -> None:
    first = judged(question_of(alice))
    second = judged(question_of(alice))

    assert asked_of(provider) == 1
    assert (second.score, second.criteria) == (first.score, first.criteria)
    assert (second.model, second.prompt_version, second.rubric_version) == (
        "some-model",
        first.prompt_version,
        first.rubric_version,
    )
    assert (first.reused, second.reused) == (False, True)
    assert first.operation != second.operation
    operation = second.operation
    assert (operation.status, operation.attempts) == ("completed", 0)


@pytest.mark.parametrize(
    "change",
    [{"text": "When was this?"}, {"type": "technical"}, {"competency": "Other"}],
    ids=["question", "rubric", "competency"],
)
def test_another_question_is_judged_anew(
    alice: User, provider: SwitchedProvider, change: dict[str, str]
) -> None:
    judged(question_of(alice))
    judged(question_of(alice, **change))

    assert asked_of(provider) == 2


def test_one_character_makes_another_answer(alice: User, provider: SwitchedProvider) -> None:
    judged(question_of(alice))
    judged(question_of(alice), STRONG_ANSWER + " ")

    assert asked_of(provider) == 2


def test_another_model_judges_anew(alice: User, provider: SwitchedProvider, settings: Any) -> None:
    judged(question_of(alice))
    settings.OPENAI_MODEL = "other-model"
    judged(question_of(alice))

    assert asked_of(provider) == 2


def test_another_prompt_judges_anew(alice: User) -> None:
    answer = AnswerFactory(question=question_of(alice))
    old, new = (
        content_of(answer, prompt_version=f"feedback_analysis/{n}", rubric_version="behavioural-1")
        for n in (1, 2)
    )

    assert content_hash(old) == content_hash(old)
    assert content_hash(old) != content_hash(new)


def test_nobody_gets_what_somebody_elses_answer_brought(
    alice: User, bob: User, provider: SwitchedProvider
) -> None:
    judged(question_of(alice))
    judged(question_of(bob))

    assert asked_of(provider) == 2
    assert not Feedback.objects.filter(reused=True).exists()


def test_a_simulated_result_is_never_used_again(alice: User) -> None:
    first, second = judged(question_of(alice)), judged(question_of(alice))

    assert (first.simulated, second.simulated, second.reused) == (True, True, False)


def test_who_insists_on_a_held_back_answer_is_heard(
    alice: User, provider: SwitchedProvider
) -> None:
    question = question_of(alice)
    save_answer(question=question, text="Too short.")
    answer, _ = save_answer(question=question, text="Too short.", insist=True)
    run_what_is_due()

    assert asked_of(provider) == 1
    assert Answer.objects.get(pk=answer.pk).feedback.not_scored_reason is None
