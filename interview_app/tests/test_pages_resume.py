"""The résumé a person keeps."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from interview_app.models import Resume
from interview_app.tests.factories import ResumeFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def signed_in(client: Client, alice: User) -> None:
    client.force_login(alice)


def test_pasted_text_is_kept(client: Client, alice: User) -> None:
    page = client.post("/resume/", {"resume_text": "Ran nine roll-outs."}, follow=True)

    assert "Your résumé is saved." in page.text
    assert Resume.objects.get(owner=alice).text == "Ran nine roll-outs."


def test_a_file_replaces_the_text(client: Client, alice: User) -> None:
    ResumeFactory(owner=alice)

    file = SimpleUploadedFile("cv.txt", b"Ran nine roll-outs.")
    client.post("/resume/", {"resume_text": "older text", "resume_file": file})

    resume = Resume.objects.get(owner=alice)
    assert (resume.text, resume.source) == ("Ran nine roll-outs.", "txt")


def test_an_unusable_file_leaves_the_typed_text(client: Client) -> None:
    file = SimpleUploadedFile("cv.pdf", b"no PDF at all")
    page = client.post("/resume/", {"resume_text": "Typed by hand.", "resume_file": file})

    assert page.status_code == 400
    assert "Typed by hand.</textarea>" in page.text
    assert not Resume.objects.exists()


def test_nothing_at_all_is_asked_for_again(client: Client) -> None:
    page = client.post("/resume/", {"resume_text": ""})

    assert page.status_code == 400
    assert "Please paste your résumé or choose a file." in page.text


def test_it_can_be_deleted(client: Client, alice: User) -> None:
    ResumeFactory(owner=alice)

    page = client.post("/resume/delete/", follow=True)

    assert "Your résumé is deleted." in page.text
    assert not Resume.objects.exists()
