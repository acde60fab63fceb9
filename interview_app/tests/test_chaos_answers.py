"""The kill campaigns' check of answers notices what it looks for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chaos.invariants import answers_are_word_for_word
from interview_app.models import Answer
from interview_app.queries import FEEDBACK_ANALYSIS
from interview_app.tests.factories import AnswerFactory
from operations.models import Operation
from operations.tests.factories import OperationFactory

pytestmark = pytest.mark.django_db

TEXT = " We wrote it down.\r\nWord for word. \n"


def lose_it(answer: Answer) -> None:
    answer.delete()


def trim_it(answer: Answer) -> None:
    Answer.objects.update(text=TEXT.strip())


def store_it_twice(answer: Answer) -> None:
    AnswerFactory(question=answer.question, number=2, text=TEXT)


def forget_its_analysis(answer: Answer) -> None:
    Operation.objects.all().delete()


@pytest.fixture
def answer() -> Answer:
    answer = AnswerFactory(text=TEXT)
    OperationFactory(kind=FEEDBACK_ANALYSIS, subject_type="answer", subject_id=str(answer.pk))
    return answer


def violations(confirmed: str) -> list[str]:
    return answers_are_word_for_word(confirmed={confirmed: TEXT}, sent={TEXT})


def test_answer_stored_as_typed_is_no_violation(answer: Answer) -> None:
    assert violations(str(answer.pk)) == []


@pytest.mark.parametrize(
    "damage", [lose_it, trim_it, store_it_twice, forget_its_analysis], ids=lambda f: f.__name__
)
def test_damage_is_found(answer: Answer, damage: Callable[[Answer], None]) -> None:
    confirmed = str(answer.pk)

    damage(answer)

    assert violations(confirmed) != []
