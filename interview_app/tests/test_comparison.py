"""Two answers, or a practice and its retake, beside each other."""

from __future__ import annotations

import random
import time

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from interview_app.models import Answer, InterviewSession
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
)
from interview_app.word_diff import GONE, MOST_WORDS, NEW, SAME, Piece, word_diff

# --- Words --------------------------------------------------------------------------------------


def test_what_was_left_out_and_added_is_told_word_by_word() -> None:
    pieces = word_diff("We fixed it in a week.", "I fixed it alone in a week.")

    assert pieces == [
        Piece(GONE, "We "),
        Piece(NEW, "I "),
        Piece(SAME, "fixed it "),
        Piece(NEW, "alone "),
        Piece(SAME, "in a week."),
    ]


texts = st.text(alphabet="ab \n", max_size=60)


@given(before=texts, after=texts)
def test_both_texts_can_be_read_off_the_difference(before: str, after: str) -> None:
    pieces = word_diff(before, after) or []

    assert "".join(each.text for each in pieces if each.kind != GONE).split() == after.split()
    kept = [each.text for each in pieces if each.kind != NEW]
    assert " ".join(kept).split() == before.split()


@pytest.mark.parametrize("kinds", [2, 11, 91, 400])
def test_the_longest_texts_do_not_hold_up_a_page(kinds: int) -> None:
    rows = random.Random(kinds)
    texts = [" ".join(str(rows.randrange(kinds)) for _ in range(MOST_WORDS)) for _ in "ab"]

    started = time.process_time()
    assert word_diff(*texts)

    # A tenth of it as measured, under a machine that is as busy as it gets.
    assert time.process_time() - started < 5
    assert word_diff(texts[0], f"{texts[1]} more") is None


# --- Two answers --------------------------------------------------------------------------------


@pytest.fixture
def earlier(alice: User) -> Answer:
    question = QuestionFactory(session=InterviewSessionFactory(owner=alice))
    made: Answer = AnswerFactory(question=question, text="We fixed the <b>ledger</b>.")
    return made


@pytest.fixture
def later(earlier: Answer) -> Answer:
    made: Answer = AnswerFactory(question=earlier.question, text="I fixed the ledger.")
    return made


def scored(answer: Answer, action: float | None, **values: object) -> None:
    criteria = [{"key": "action", "score": action, "reason": "…"}]
    FeedbackFactory(answer=answer, criteria=criteria, score=action, **values)


def compared(client: Client, later: Answer, earlier: Answer) -> str:
    client.force_login(later.question.session.owner)
    return client.get(reverse("compare_answers", args=[later.pk, earlier.pk])).text


def test_scores_stand_side_by_side_with_what_they_did(
    client: Client, earlier: Answer, later: Answer
) -> None:
    scored(earlier, 2.5)
    scored(later, 4.0)

    page = compared(client, later, earlier)

    assert '<th scope="row">Own action</th>' in page
    assert "<td>2.5</td>" in page
    assert "<td>4.0</td>" in page
    assert '<td class="better">+1.5</td>' in page


def test_words_are_marked_and_never_markup(client: Client, earlier: Answer, later: Answer) -> None:
    page = compared(client, later, earlier)

    assert "<del>We </del><ins>I </ins>fixed the <del>&lt;b&gt;ledger&lt;/b&gt;." in page
    assert "There is no feedback for both answers yet." in page


@pytest.mark.parametrize(
    "values",
    [{"simulated": True}, {"rubric_version": "behavioural-2"}],
    ids=["simulated", "rubric"],
)
def test_scores_of_different_measures_are_not_compared(
    client: Client, earlier: Answer, later: Answer, values: dict[str, object]
) -> None:
    scored(earlier, 2.5)
    scored(later, 4.0, **values)

    page = compared(client, later, earlier)

    assert "not given by the same measure" in page
    assert "+1.5" not in page


def test_feedback_that_is_held_back_is_not_compared(
    client: Client, earlier: Answer, later: Answer
) -> None:
    InterviewSession.objects.update(mode="real")
    scored(earlier, 2.5)
    scored(later, 4.0)

    page = compared(client, later, earlier)

    assert "4.0" not in page
    assert "<ins>I </ins>" in page


def test_answers_that_are_too_long_say_so(client: Client, earlier: Answer) -> None:
    long = AnswerFactory(question=earlier.question, text="word " * (MOST_WORDS + 1))

    assert "too long to be compared word by word" in compared(client, long, earlier)


def test_other_peoples_answers_are_not_compared(
    client: Client, earlier: Answer, later: Answer, bob: User
) -> None:
    own = AnswerFactory(question__session__owner=bob)
    client.force_login(bob)

    for pair in ([later.pk, earlier.pk], [own.pk, earlier.pk], [later.pk, own.pk]):
        assert client.get(reverse("compare_answers", args=pair)).status_code == 404


def test_a_further_answer_with_feedback_links_to_the_comparison(
    client: Client, earlier: Answer, later: Answer
) -> None:
    scored(later, 4.0)
    client.force_login(earlier.question.session.owner)

    page = client.get(f"/questions/{later.question_id}/").text

    assert reverse("compare_answers", args=[later.pk, earlier.pk]) in page


def test_trying_again_begins_with_what_to_change(client: Client, earlier: Answer) -> None:
    FeedbackFactory(answer=earlier)
    client.force_login(earlier.question.session.owner)

    page = client.get(f"/questions/{earlier.question_id}/?again=1").text

    assert '<details class="again" id="again" open>' in page
    assert "This time:" in page


# --- A practice and its retake ------------------------------------------------------------------


@pytest.fixture
def retake(earlier: Answer) -> InterviewSession:
    """Of a practice with one scored answer: the same question once more, and another one."""
    first = earlier.question.session
    scored(earlier, 2.0)
    made: InterviewSession = InterviewSessionFactory(owner=first.owner, retake_of=first)
    same = QuestionFactory(
        session=made, text=earlier.question.text.upper(), competency=earlier.question.competency
    )
    scored(AnswerFactory(question=same), 3.0)
    scored(AnswerFactory(question=QuestionFactory(session=made, competency="Calm")), 4.0)
    return made


def retake_page(client: Client, session: InterviewSession) -> str:
    client.force_login(session.owner)
    return client.get(reverse("compare_retake", args=[session.pk])).text


def test_a_retake_is_compared_by_competency_and_criterion(
    client: Client, retake: InterviewSession
) -> None:
    page = retake_page(client, retake)

    assert "2.0 → <strong>3.5</strong> (+1.5)" in page
    assert '<td class="better">+1.0</td>' in page  # Competency 1: 2.0 → 3.0
    assert '<td class="better">+1.5</td>' in page  # Own action: 2.0 → 3.5
    assert "Calm" in page
    assert '<span class="fine">not scored</span>' in page


def test_a_question_asked_both_times_leads_to_both_answers(
    client: Client, retake: InterviewSession, earlier: Answer
) -> None:
    now = Answer.objects.get(question__session=retake, question__number=1)

    assert reverse("compare_answers", args=[now.pk, earlier.pk]) in retake_page(client, retake)


def test_a_simulated_retake_is_not_set_against_a_judged_practice(
    client: Client, retake: InterviewSession
) -> None:
    for answer in Answer.objects.filter(question__session=retake):
        answer.feedback.simulated = True
        answer.feedback.save()

    page = retake_page(client, retake)

    assert "not given by the same measure" in page
    assert "+1.5" not in page


@pytest.mark.parametrize("which", ["retake", "earlier"])
def test_what_is_held_back_is_not_compared(
    client: Client, retake: InterviewSession, which: str
) -> None:
    held = retake if which == "retake" else retake.retake_of
    InterviewSession.objects.filter(pk=held.pk).update(mode="real")
    client.force_login(retake.owner)

    assert client.get(reverse("compare_retake", args=[retake.pk])).status_code == 404


def test_the_practice_links_to_the_comparison(client: Client, retake: InterviewSession) -> None:
    client.force_login(retake.owner)
    address = reverse("compare_retake", args=[retake.pk])

    assert address in client.get(f"/practice/{retake.pk}/").text
    assert "/compare/" not in client.get(f"/practice/{retake.retake_of_id}/").text


def test_other_peoples_retakes_do_not_exist(
    client: Client, retake: InterviewSession, bob: User
) -> None:
    client.force_login(bob)

    assert client.get(reverse("compare_retake", args=[retake.pk])).status_code == 404
