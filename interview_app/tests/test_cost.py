"""What people are told about money: before a practice, of it, of their month, and when it ends."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from interview_app.models import Answer, InterviewSession
from interview_app.queries import session_detail
from interview_app.tests.factories import InterviewSessionFactory, QuestionFactory
from interview_app.tests.samples import STRONG_ANSWER
from operations import budgets, spending
from operations.management.commands import operation_stats
from operations.models import CallEstimate, Operation, Spending
from operations.services import save_own_key
from operations.tests.api_client import api_client, assert_problem
from operations.tests.factories import OperationFactory, UserFactory
from operations.workers.estimating import estimate_calls

pytestmark = pytest.mark.django_db

ESTIMATED = ("question_generation", "feedback_analysis", "session_summary")


@pytest.fixture
def alice() -> User:
    return UserFactory(username="alice")


@pytest.fixture
def signed_in(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def spend(usd: str, person: int = Spending.ALL, **values: int) -> None:
    Spending.objects.create(
        month=spending.month_of(timezone.now()),
        person=person,
        micro_usd=int(Decimal(usd) * 1_000_000),
        **{"tokens": 1_000, **values},
    )
    budgets.forget_looks()


@pytest.fixture
def nothing_left(settings: Settings) -> None:
    settings.BUDGET_USD_PER_MONTH = 1.0
    spend("1.00")


def estimate(cost: str | None, *, simulated: bool = False, measured: int = 9) -> None:
    for kind in ESTIMATED:
        CallEstimate.objects.create(
            kind=kind,
            model="m",
            simulated=simulated,
            measured=measured,
            input_tokens=1_000,
            output_tokens=100,
            cost_usd=None if cost is None else Decimal(cost),
            updated_at=timezone.now(),
        )


@pytest.mark.parametrize(
    ("cost", "values", "said"),
    [
        ("0.01", {}, "about 7 AI calls, 7,700 tokens, 0.07 USD."),
        ("0.001", {}, "7,700 tokens, less than 0.01 USD."),
        (None, {}, "7,700 tokens, price unknown."),
        ("0", {"simulated": True}, "a practice costs nothing"),
        ("0.01", {"measured": 0}, "A rough guess"),
    ],
    ids=["known", "small", "unknown", "simulated", "guessed"],
)
def test_page_says_before_the_start_what_a_practice_costs(
    signed_in: Client, cost: str | None, values: dict[str, Any], said: str
) -> None:
    estimate(cost, **values)

    assert said in signed_in.get("/practice/new/").content.decode()


def test_page_says_nothing_where_nothing_is_known(signed_in: Client) -> None:
    assert "data-estimate" not in signed_in.get("/practice/new/").content.decode()


def test_estimate_follows_the_number_of_questions_in_the_form(signed_in: Client) -> None:
    estimate("0.01")

    page = signed_in.post("/practice/new/", {"question_count": "8", "fill": "1"}).content.decode()

    assert "With 8 questions" in page
    assert "about 10 AI calls" in page


def test_api_answers_a_start_with_the_estimate(alice: User) -> None:
    estimate("0.01")

    body = api_client(alice).post("/api/v1/sessions/", {"role": "Cook", "question_count": 2}).json()

    assert body["estimate"] == {
        "calls": 4,
        "input_tokens": 4_000,
        "output_tokens": 400,
        "cost_usd": 0.04,
        "measured": True,
        "simulated": False,
    }


def test_kinds_of_a_practice_are_those_that_are_estimated() -> None:
    estimate_calls()

    assert set(CallEstimate.objects.values_list("kind", flat=True)) >= set(ESTIMATED)
    assert all(row.simulated or row.input_tokens > 500 for row in CallEstimate.objects.all())


def test_practice_says_what_its_calls_cost_failed_and_followed_ones_included(
    signed_in: Client, alice: User
) -> None:
    session = InterviewSessionFactory(owner=alice)
    QuestionFactory(session=session)
    for state in ({"failed": True}, {"completed": True}):
        OperationFactory(
            owner=alice,
            session_id=session.pk,
            kind="feedback_analysis",
            subject_id="same",
            input_tokens=2_000,
            output_tokens=500,
            cost_usd=Decimal("0.02"),
            **state,
        )

    page = signed_in.get(f"/practice/{session.pk}/").content.decode()
    usage = api_client(alice).get(f"/api/v1/sessions/{session.pk}/").json()["usage"]

    assert "5,000 tokens, 0.04 USD." in page
    assert usage == {"input_tokens": 4_000, "output_tokens": 1_000, "cost_usd": 0.04}


def test_one_unknown_price_makes_the_practices_unknown(alice: User) -> None:
    session = InterviewSessionFactory(owner=alice)
    for cost in (Decimal("0.02"), None):
        OperationFactory(
            owner=alice, session_id=session.pk, completed=True, input_tokens=5, cost_usd=cost
        )

    assert session_detail(session.pk, alice).usage.cost_usd is None


def test_settings_say_what_ones_month_cost(
    signed_in: Client, alice: User, settings: Settings
) -> None:
    settings.BUDGET_USD_PER_USER_MONTH = 2.5
    spend("2.50", alice.pk, tokens=20_000, unpriced_tokens=4_000)

    page = signed_in.get("/account/").content.decode()
    answer = api_client(alice).get("/api/v1/me/spending/").json()

    assert "This month: 20,000 tokens, 2.50 USD." in page
    assert "The price of 4,000 of these tokens is unknown" in page
    assert "This is used up" in page
    assert answer == {
        "month": spending.month_of(timezone.now()),
        "cost_usd": 2.5,
        "budget_usd": 2.5,
        "tokens": 20_000,
        "unpriced_tokens": 4_000,
    }


def test_others_months_are_not_ones_own(signed_in: Client) -> None:
    spend("9.00", UserFactory().pk)

    assert "Nothing this month." in signed_in.get("/account/").content.decode()


@pytest.mark.usefixtures("nothing_left")
def test_answer_is_saved_and_its_analysis_says_why_it_is_not_there(
    signed_in: Client, alice: User
) -> None:
    question = QuestionFactory(session__owner=alice)

    response = api_client(alice).post(
        f"/api/v1/questions/{question.pk}/answer/", {"text": STRONG_ANSWER}
    )

    assert response.status_code == 201
    body = response.json()
    assert Answer.objects.get().text == body["answer"]["text"] == STRONG_ANSWER
    assert body["operation"]["status"] == "failed"
    assert body["operation"]["error"]["code"] == "BUDGET_REACHED"
    assert "used up for this month" in body["operation"]["error_message"]
    page = signed_in.get(f"/questions/{question.pk}/").content.decode()
    assert "used up for this month" in page
    assert "Your answer is saved" in page


@pytest.mark.usefixtures("nothing_left")
def test_start_is_refused_with_its_own_code_and_in_the_form(signed_in: Client, alice: User) -> None:
    response = api_client(alice).post("/api/v1/sessions/", {"role": "Cook"})
    page = signed_in.post(
        "/practice/new/",
        {
            "form_key": str(uuid.uuid4()),
            "role": "Cook of the long menu",
            "seniority": "mid",
            "interview_type": "mixed",
            "question_count": "5",
            "mode": "practice",
            "language": "en",
        },
    )

    assert_problem(response, 402, "BUDGET_REACHED")
    assert page.status_code == 402
    assert "used up for this month" in page.content.decode()
    assert "Cook of the long menu" in page.content.decode(), "what was typed is still there"
    assert not InterviewSession.objects.exists()


@pytest.mark.usefixtures("nothing_left")
def test_form_says_so_before_anything_is_typed_but_not_to_who_has_a_key(
    signed_in: Client, alice: User
) -> None:
    said = [("data-budget" in signed_in.get("/practice/new/").content.decode())]
    save_own_key(person=alice, key="sk-proj-their-own-key-for-tests")
    said.append("data-budget" in signed_in.get("/practice/new/").content.decode())

    assert said == [True, False]


@pytest.mark.usefixtures("nothing_left")
def test_start_is_refused_in_german_too(client: Client, alice: User) -> None:
    response = api_client(alice).post(
        "/api/v1/sessions/", {"role": "Koch"}, headers={"accept-language": "de"}
    )

    assert "für diesen Monat aufgebraucht" in response.json()["detail"]


@pytest.mark.usefixtures("nothing_left")
def test_person_with_a_key_of_their_own_goes_on(alice: User) -> None:
    save_own_key(person=alice, key="sk-proj-their-own-key-for-tests")

    assert api_client(alice).post("/api/v1/sessions/", {"role": "Cook"}).status_code == 201


@pytest.mark.usefixtures("nothing_left")
def test_what_failed_for_the_budget_runs_once_there_is_money(
    alice: User, settings: Settings
) -> None:
    question, api = QuestionFactory(session__owner=alice), api_client(alice)
    api.post(f"/api/v1/questions/{question.pk}/answer/", {"text": STRONG_ANSWER})
    retry = f"/api/v1/operations/{Operation.objects.get().pk}/retry/"

    assert_problem(api.post(retry), 402, "BUDGET_REACHED")
    settings.BUDGET_USD_PER_MONTH = 5.0
    budgets.forget_looks()

    assert api.post(retry).status_code == 202


@pytest.mark.usefixtures("nothing_left")
def test_console_and_command_say_what_is_spent_and_who_is_stopped(
    admin_client: Client, alice: User, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.BUDGET_USD_PER_USER_MONTH = 0.5
    spend("0.75", alice.pk, unpriced_tokens=4)
    Spending.objects.filter(person=Spending.ALL).update(unpriced_tokens=4)

    page = admin_client.get("/admin/operations/operation/").content.decode()
    operation_stats.Command().handle(json=False)

    assert "$1.00</strong> of $1.00" in page
    assert "The budget is used up" in page
    assert "1 person has used up $0.50: alice" in page
    assert "a budget cannot be held for such a model" in page
    assert "1.00 USD (of 1.00 USD), 1000 tokens, 4 without a known price" in capsys.readouterr().out
