"""The résumé a person keeps."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation
from django.utils.html import escape

from interview_app.models import Resume
from interview_app.resume_texts import WARNINGS
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


def test_what_was_seen_in_a_file_is_told_beside_its_text(client: Client, alice: User) -> None:
    file = SimpleUploadedFile("cv.txt", b"Ran nine roll-outs.")
    page = client.post("/resume/", {"resume_file": file}, follow=True)

    assert "Saved: this is what was read from your file." in page.text
    assert "There are hardly any words." in page.text
    assert "Ran nine roll-outs.</textarea>" in page.text
    assert Resume.objects.get(owner=alice).warnings == ["few_words"]


def test_a_corrected_text_speaks_for_itself(client: Client, alice: User) -> None:
    ResumeFactory(owner=alice, warnings=["encoding_guessed"])

    client.post("/resume/", {"resume_text": "Moved fourteen wards to a new rota tool. " * 4})

    assert Resume.objects.get(owner=alice).warnings == []


def test_a_file_that_is_too_long_stands_in_the_box(client: Client) -> None:
    file = SimpleUploadedFile("cv.txt", b"Moved wards. " * 5_000)
    page = client.post("/resume/", {"resume_file": file})

    assert page.status_code == 400
    assert "At most 60000 characters" in page.text
    assert "Moved wards. Moved wards." in page.text


@pytest.mark.parametrize("language", ["en", "de"])
def test_each_warning_is_told_in_the_readers_language(
    client: Client, alice: User, language: str
) -> None:
    ResumeFactory(owner=alice, warnings=list(WARNINGS))

    page = client.get("/resume/", headers={"accept-language": language})

    assert f'<html lang="{language}"' in page.text
    with translation.override(language):
        assert all(escape(str(sentence)) in page.text for sentence in WARNINGS.values())


def rows(*titles: str) -> dict[str, str]:
    data = {"entries-TOTAL_FORMS": str(len(titles)), "entries-INITIAL_FORMS": "1"}
    for number, title in enumerate(titles):
        data |= {f"entries-{number}-section": "experience", f"entries-{number}-title": title}
    return data


def test_what_was_found_is_shown_and_corrected(client: Client, alice: User) -> None:
    client.post("/resume/", {"resume_text": "Experience\nEngineer, Fjord Pay  2021 – now\n• Wrote"})

    page = client.get("/resume/")
    corrected = client.post("/resume/entries/", rows("Principal", "Intern", ""), follow=True)

    assert 'value="Fjord Pay"' in page.text
    assert "Your corrections are saved." in corrected.text
    assert [row["title"] for row in Resume.objects.get(owner=alice).entries] == [
        "Principal",
        "Intern",
    ]


def test_a_correction_that_is_too_long_stays_on_the_page(client: Client, alice: User) -> None:
    ResumeFactory(owner=alice)

    page = client.post("/resume/entries/", rows("x" * 201))

    assert page.status_code == 400
    assert "At most 200 characters" in page.text
    assert Resume.objects.get(owner=alice).entries == []


def test_there_is_nothing_to_correct_without_a_resume(client: Client) -> None:
    assert client.post("/resume/entries/", rows("Principal")).status_code == 404
    assert "What was found in it" not in client.get("/resume/").text
