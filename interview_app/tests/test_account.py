"""An account as a whole: taken along, and deleted."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished
from django.db import close_old_connections
from django.test import Client
from django.urls import reverse
from knox.models import AuthToken
from pytest_django import Settings

from interview_app.models import Answer, InterviewSession, JobPosting, Resume
from interview_app.tests.factories import (
    FeedbackFactory,
    InterviewSessionFactory,
    JobPostingFactory,
    QuestionFactory,
    ResumeFactory,
)
from operations.limits.rules import EXPORT
from operations.models import Operation
from operations.tests.api_client import api_client, assert_problem
from operations.tests.factories import AttemptFactory, OperationFactory

pytestmark = pytest.mark.django_db

PATH = "/api/v1/me/account/"
PASSWORD = "correct horse"


@pytest.fixture
def session(alice: User) -> InterviewSession:
    """Alice's only practice, with work under way, and some of everything else."""
    ResumeFactory(owner=alice, text="Twelve years of soups.")
    JobPostingFactory(owner=alice, title="Cook")
    made: InterviewSession = InterviewSessionFactory(owner=alice, role="Chef")
    FeedbackFactory(answer__question=QuestionFactory(session=made), answer__text="Leek.")
    of_session = {"owner": alice, "session_id": made.pk}
    OperationFactory(**of_session)
    running = OperationFactory(**of_session, running=True, subject_id="elsewhere")
    AttemptFactory(operation=running, running=True, fence=running.fence)
    OperationFactory(**of_session, failed=True)
    OperationFactory(owner=alice, session_id=None, subject_type="user", subject_id=str(alice.pk))
    return made


def files(response: Any) -> dict[str, str]:
    archive = zipfile.ZipFile(io.BytesIO(response.getvalue()))
    # As Django's own client does it: the end of a request would close the test's connection too.
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)
    assert archive.testzip() is None
    return {name: archive.read(name).decode() for name in archive.namelist()}


def test_all_of_a_persons_data_comes_in_one_file(alice: User, session: InterviewSession) -> None:
    response = api_client(alice).get(PATH)

    found = files(response)
    assert response["Content-Type"] == "application/zip"
    assert response["Content-Disposition"] == 'attachment; filename="account.zip"'
    assert json.loads(found["account.json"])["email"] == alice.email
    assert found["resume.txt"] == "Twelve years of soups."
    assert [each["title"] for each in json.loads(found["job-postings.json"])] == ["Cook"]
    (name,) = (name for name in found if name.endswith(".md"))
    assert "> Leek." in found[name]
    practice = json.loads(found[name.replace(".md", ".json")])
    assert practice["questions"][0]["answer"]["text"] == "Leek."
    assert len(json.loads(found["operations-1.json"])) == 4


def test_nothing_of_others_is_in_it(bob: User, session: InterviewSession) -> None:
    found = files(api_client(bob).get(PATH))

    assert "Leek." not in str(found)
    assert set(found) == {"account.json", "job-postings.json", "library.json"}


def test_exports_are_counted(alice: User, settings: Settings) -> None:
    settings.API_THROTTLES = True
    client = api_client(alice)
    for _ in range(EXPORT.most):
        assert files(client.get(PATH))

    refused = client.get(PATH)

    assert_problem(refused, 429, "THROTTLED")
    assert int(refused["Retry-After"]) <= EXPORT.every_seconds


def assert_deleted(alice: User, session: InterviewSession) -> None:
    assert not User.objects.filter(pk=alice.pk).exists()
    for model in (InterviewSession, Answer, Resume, JobPosting, AuthToken):
        assert not model.objects.exists(), model
    rows = Operation.objects.all()
    assert sorted(row.status for row in rows) == ["cancelled", "cancelled", "cancelled", "failed"]
    assert {row.owner_id for row in rows} == {None}
    assert all(row.subject_deleted_at for row in rows)


def test_deletion_deletes_texts_and_stops_what_is_unfinished(
    alice: User, session: InterviewSession
) -> None:
    client = api_client(alice)

    response = client.delete(PATH)

    assert response.status_code == 204
    assert_deleted(alice, session)
    assert client.get("/api/v1/me/").status_code == 401


def test_others_keep_everything(alice: User, bob: User, session: InterviewSession) -> None:
    assert api_client(bob).delete(PATH).status_code == 204

    assert User.objects.get() == alice
    assert Operation.objects.filter(owner=alice, status="pending").count() == 2
    assert Answer.objects.count() == 1


def signed_in(person: User) -> Client:
    client = Client()
    assert client.login(username=person.username, password=PASSWORD)
    return client


def delete_in_browser(client: Client, door: str, body: dict[str, str]) -> Any:
    if door == "page":
        return client.post(reverse("delete_account"), body)
    return client.delete(PATH, body, content_type="application/json")


@pytest.mark.parametrize(("door", "status"), [("page", 302), ("api", 204)])
def test_a_browser_is_asked_for_the_password(
    alice: User, session: InterviewSession, door: str, status: int
) -> None:
    client = signed_in(alice)
    for body in ({"password": ""}, {"password": "wrong horse"}):
        assert delete_in_browser(client, door, body).status_code == 400
    assert User.objects.filter(pk=alice.pk).exists()

    answer = delete_in_browser(client, door, {"password": PASSWORD})

    assert answer.status_code == status
    assert_deleted(alice, session)
    assert client.get("/api/v1/me/").status_code == 401


def test_the_admin_deletes_as_the_person_would(alice: User, session: InterviewSession) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("ops", "ops@example.org", "x"))

    client.post(reverse("admin:auth_user_delete", args=[alice.pk]), {"post": "yes"})

    assert_deleted(alice, session)


def test_the_account_page_leads_to_both(client: Client, alice: User) -> None:
    client.force_login(alice)

    page = client.get(reverse("my_account")).text

    assert f'href="{PATH}"' in page
    assert f'href="{reverse("delete_account")}"' in page
    assert client.get(reverse("delete_account")).status_code == 200
