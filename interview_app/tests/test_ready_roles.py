"""Ten ready roles: what stands in them, and how one comes into the form."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from interview_app.models import InterviewSession, Language, Seniority
from interview_app.posting import posting_text
from interview_app.roles import ready_roles
from interview_app.tests.test_pages_start import form

pytestmark = pytest.mark.django_db

FORMAL = re.compile(r"\b(Sie|Ihnen|Ihre?[mnrs]?)\b")


def fill(client: Client, **changes: Any) -> Any:
    return client.post("/practice/new/", form(fill="1", role="", job_description="", **changes))


@pytest.fixture
def here(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.mark.parametrize("language", Language.values)
def test_there_are_ten_with_a_posting_worth_asking_about(language: str) -> None:
    roles = ready_roles(language)

    assert len(roles) == 10
    assert len({role.title for role in roles.values()}) == 10
    for role in roles.values():
        assert role.seniority in Seniority.values
        assert 80 <= len(role.description.split()) <= 200, role.key
        # What is asked about is more than half of it: the reader of postings drops little.
        assert len(posting_text(role.description)) > len(role.description) / 2, role.key


def test_both_languages_have_the_same_and_german_says_du() -> None:
    english, german = ready_roles("en"), ready_roles("de")

    assert list(english) == list(german)
    assert not [role.key for role in german.values() if FORMAL.search(role.description)]
    assert not {role.description for role in english.values()} & {
        role.description for role in german.values()
    }


def test_a_role_is_filled_in_and_nothing_has_started(here: Client) -> None:
    nurse = ready_roles("en")["nurse"]

    page = fill(here, ready="nurse", resume_text="Nine years on ward 3.")

    assert page.status_code == 200
    shown = page.context["form"]
    assert shown["role"].value() == nurse.title
    assert shown["job_description"].value() == nurse.description
    assert "Nine years on ward 3." in page.text
    assert not InterviewSession.objects.exists()


def test_it_is_in_the_language_of_the_interview_and_of_its_level(here: Client) -> None:
    shown = fill(here, ready="office-apprentice", language="de", seniority="lead").context["form"]

    assert shown["role"].value() == "Ausbildung im Büromanagement"
    assert shown["seniority"].value() == "intern"


def test_the_list_is_in_the_language_of_the_page(here: Client) -> None:
    page = here.get("/practice/new/", headers={"accept-language": "de"}).text

    assert '<option value="teacher">Lehrkraft an einer Grundschule</option>' in page


@pytest.mark.parametrize("ready", ["", "astronaut"])
def test_the_button_alone_starts_nothing(ready: str, here: Client) -> None:
    here.post("/practice/new/", form(fill="1", ready=ready))

    assert not InterviewSession.objects.exists()


def test_a_file_that_was_chosen_is_read_all_the_same(here: Client) -> None:
    cv = SimpleUploadedFile("cv.txt", b"Ran the night shift of ward 3 for nine years.")

    page = fill(here, ready="nurse", resume_text="", resume_file=cv)

    assert "Ran the night shift of ward 3" in page.context["form"]["resume_text"].value()


def test_what_was_filled_in_starts_a_practice(here: Client) -> None:
    role = ready_roles("en")["sales"]

    here.post("/practice/new/", form(role=role.title, job_description=role.description))

    session = InterviewSession.objects.get()
    assert (session.role, session.job_description) == (role.title, role.description)


def test_choosing_without_the_button_changes_nothing(here: Client) -> None:
    here.post("/practice/new/", form(ready="nurse", role="Cook"))

    assert InterviewSession.objects.get().role == "Cook"
