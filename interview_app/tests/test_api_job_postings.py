"""Job postings over HTTP."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from interview_app.models import POSTING_MAX_LENGTH, JobPosting
from interview_app.tests.factories import JobPostingFactory
from operations.tests.api_client import api_client, assert_problem, escaped_json
from operations.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

POSTINGS = "/api/v1/job-postings/"
POSTING = {
    "title": "Backend engineer",
    "company": "Tallyroo",
    "description": "We bill.\n",
    "experience_level": "senior",
    "tech_stack": ["Python", "PostgreSQL"],
    "language": "en",
}


@pytest.fixture
def alice() -> User:
    return UserFactory(username="alice")


def path_of(posting: JobPosting) -> str:
    return f"{POSTINGS}{posting.pk}/"


def test_posting_is_kept_with_all_its_fields(alice: User) -> None:
    response = api_client(alice).post(POSTINGS, POSTING)

    body = response.json()
    assert response.status_code == 201
    assert response["Location"].endswith(f"{POSTINGS}{body['id']}/")
    assert body.keys() == {"id", *POSTING, "created_at", "updated_at"}
    assert {name: body[name] for name in POSTING} == POSTING
    assert api_client(alice).get(f"{POSTINGS}{body['id']}/").json() == body


def test_title_and_description_are_enough(alice: User) -> None:
    response = api_client(alice).post(POSTINGS, {"title": "Cook", "description": "We cook."})

    body = response.json()
    assert (body["company"], body["experience_level"], body["tech_stack"]) == ("", "", [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "x" * 201),
        ("title", "a\x00b"),
        ("company", "x" * 201),
        ("description", ""),
        ("description", "x" * (POSTING_MAX_LENGTH + 1)),
        ("description", "a\ud800b"),
        ("experience_level", "wizard"),
        ("tech_stack", "Python"),
        ("tech_stack", ["x"] * 51),
        ("language", "xx"),
    ],
)
def test_what_cannot_be_kept_names_its_field(alice: User, field: str, value: object) -> None:
    response = api_client(alice).post(POSTINGS, **escaped_json({**POSTING, field: value}))

    errors = assert_problem(response, 400, "VALIDATION_ERROR")["errors"]
    assert [error["field"] for error in errors] == [field]
    assert not JobPosting.objects.exists()


def test_wrong_entry_of_a_list_is_named_by_its_place(alice: User) -> None:
    response = api_client(alice).post(POSTINGS, {**POSTING, "tech_stack": ["Python", "a\x00b"]})

    errors = assert_problem(response, 400, "VALIDATION_ERROR")["errors"]
    assert [error["field"] for error in errors] == ["tech_stack.1"]


def test_posting_is_changed_and_replaced(alice: User) -> None:
    posting = JobPostingFactory(owner=alice, company="Acme")
    client = api_client(alice)

    assert client.patch(path_of(posting), {"title": "Cook"}).json()["title"] == "Cook"
    assert client.get(path_of(posting)).json()["company"] == "Acme"
    assert client.put(path_of(posting), POSTING).json()["company"] == "Tallyroo"
    assert_problem(client.put(path_of(posting), {"title": "Cook"}), 400, "VALIDATION_ERROR")


def test_posting_is_deleted(alice: User) -> None:
    posting = JobPostingFactory(owner=alice)

    assert api_client(alice).delete(path_of(posting)).status_code == 204
    assert not JobPosting.objects.exists()


def test_list_holds_own_postings_newest_first_in_pages(alice: User) -> None:
    first, second, third = (JobPostingFactory(owner=alice) for _ in range(3))
    JobPostingFactory()
    client = api_client(alice)

    page = client.get(f"{POSTINGS}?page_size=2").json()

    assert [row["id"] for row in page["results"]] == [str(third.pk), str(second.pk)]
    assert [row["id"] for row in client.get(page["next"]).json()["results"]] == [str(first.pk)]


def test_posting_sent_twice_with_one_key_is_kept_once(alice: User) -> None:
    client = api_client(alice)
    first, second = (
        client.post(POSTINGS, POSTING, headers={"idempotency-key": "k1"}) for _ in range(2)
    )

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"
    assert JobPosting.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_posting_of_somebody_else_does_not_exist(alice: User, method: str) -> None:
    posting = JobPostingFactory()
    staff = UserFactory(is_staff=True, is_superuser=True)

    for client in (api_client(alice), api_client(staff)):
        assert_problem(getattr(client, method)(path_of(posting), {}), 404, "NOT_FOUND")
    assert JobPosting.objects.get() == posting
