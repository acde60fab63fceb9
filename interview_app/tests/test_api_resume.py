"""The stored résumé over HTTP: as text or as a file."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from interview_app.models import RESUME_MAX_LENGTH, Resume
from interview_app.tests.factories import ResumeFactory
from interview_app.tests.test_resume_files import blank_pdf
from operations.tests.api_client import api_client, assert_problem, escaped_json
from operations.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

RESUME = "/api/v1/me/resume/"


@pytest.fixture
def alice() -> User:
    return UserFactory(username="alice")


def put_file(user: User, name: str, content: bytes) -> Any:
    file = SimpleUploadedFile(name, content)
    return api_client(user).put(RESUME, {"file": file}, format="multipart")


def test_text_is_kept_word_for_word(alice: User) -> None:
    text = "  Zoë 👩‍💻 مهندسة\r\n\tat Acme  "

    response = api_client(alice).put(RESUME, {"text": text})

    body = response.json()
    assert response.status_code == 200
    assert body.keys() == {"text", "source", "warnings", "entries", "updated_at"}
    assert (body["text"], body["source"]) == (text, "text")
    assert body["updated_at"].endswith("Z")
    assert api_client(alice).get(RESUME).json() == body


def test_file_is_kept_as_its_text(alice: User) -> None:
    response = put_file(alice, "resume.txt", "Zoë at Acme".encode())

    assert (response.status_code, response.json()["source"]) == (200, "txt")
    assert Resume.objects.get().text == "Zoë at Acme"


def test_second_upload_replaces_the_first(alice: User) -> None:
    ResumeFactory(owner=alice)

    put_file(alice, "resume.txt", b"newer")

    assert Resume.objects.get().text == "newer"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "blank"),
        ("  \n ", "required"),
        (None, "null"),
        ("x" * (RESUME_MAX_LENGTH + 1), "max_length"),
        ("a\x00b", "null_characters_not_allowed"),
        ("a\ud800b", "surrogate_characters_not_allowed"),
        (["a"], "invalid"),
    ],
)
def test_text_that_cannot_be_kept_is_refused(alice: User, text: object, code: str) -> None:
    response = api_client(alice).put(RESUME, **escaped_json({"text": text}))

    errors = assert_problem(response, 400, "VALIDATION_ERROR")["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [("text", code)]
    assert not Resume.objects.exists()


def test_longest_text_is_kept(alice: User) -> None:
    assert api_client(alice).put(RESUME, {"text": "é" * RESUME_MAX_LENGTH}).status_code == 200


def test_file_of_another_type_is_refused(alice: User) -> None:
    assert put_file(alice, "resume.exe", b"MZ").status_code == 415


def test_file_that_is_not_what_it_claims_is_refused(alice: User) -> None:
    assert_problem(put_file(alice, "resume.docx", b"no zip file"), 422, "UNREADABLE_FILE")
    assert_problem(put_file(alice, "resume.pdf", b"no pdf file"), 422, "UNREADABLE_FILE")


def test_file_over_five_megabytes_is_refused(alice: User) -> None:
    response = put_file(alice, "resume.txt", b"x" * (5 * 1024 * 1024 + 1))

    assert_problem(response, 413, "FILE_TOO_LARGE")


def test_body_over_six_megabytes_is_refused_unread(alice: User) -> None:
    response = put_file(alice, "resume.txt", b"x" * (6 * 1024 * 1024))

    assert_problem(response, 413, "BODY_TOO_LARGE")


def test_neither_text_nor_file_is_refused(alice: User) -> None:
    for response in (
        api_client(alice).put(RESUME, {}),
        api_client(alice).put(RESUME, {"file": "a word"}, format="multipart"),
        api_client(alice).put(RESUME, {"file": "a word"}),
    ):
        errors = assert_problem(response, 400, "VALIDATION_ERROR")["errors"]
        assert [(error["field"], error["code"]) for error in errors] == [("text", "required")]


def test_broken_multipart_body_is_refused(alice: User) -> None:
    response = api_client(alice).put(
        RESUME, b"no parts at all", content_type="multipart/form-data; boundary=x"
    )

    assert response.status_code == 400


def test_other_media_types_are_refused(alice: User) -> None:
    response = api_client(alice).put(RESUME, b"%PDF-1.7", content_type="application/pdf")

    assert_problem(response, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_without_a_resume_there_is_nothing_to_get(alice: User) -> None:
    ResumeFactory()

    assert_problem(api_client(alice).get(RESUME), 404, "NOT_FOUND")


def test_resume_is_deleted(alice: User) -> None:
    ResumeFactory(owner=alice)
    other = ResumeFactory()

    assert api_client(alice).delete(RESUME).status_code == 204
    assert list(Resume.objects.all()) == [other]
    assert api_client(alice).delete(RESUME).status_code == 204


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_signing_in_comes_first(method: str) -> None:
    assert_problem(getattr(api_client(), method)(RESUME), 401, "NOT_AUTHENTICATED")


def test_what_was_seen_in_a_file_is_in_the_answer(alice: User) -> None:
    body = put_file(alice, "resume.txt", "Zoë at Café".encode("cp1252")).json()

    assert body["text"] == "Zoë at Café"
    assert [each["code"] for each in body["warnings"]] == ["encoding_guessed", "few_words"]
    assert all(each["detail"].endswith(".") for each in body["warnings"])
    assert api_client(alice).get(RESUME).json()["warnings"] == body["warnings"]


def test_a_link_alone_is_no_resume(alice: User) -> None:
    response = api_client(alice).put(RESUME, {"text": "https://www.linkedin.com/in/ada-quill"})

    errors = assert_problem(response, 400, "VALIDATION_ERROR")["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [("text", "link_only")]


def test_too_many_pages_are_told_from_too_many_bytes(alice: User) -> None:
    assert_problem(put_file(alice, "r.pdf", blank_pdf(41)), 413, "TOO_MANY_PAGES")


JOBS = "Experience\nStaff Engineer, Fjord Pay  2021 – now\n• Moved the ledger\n"
CORRECTED = {
    "section": "experience",
    "title": "Principal",
    "employer": "Fjord Pay",
    "dates": "2021 – now",
}


def test_what_was_found_in_a_text_is_in_the_answer(alice: User) -> None:
    body = api_client(alice).put(RESUME, {"text": JOBS}).json()

    assert body["entries"] == [{**CORRECTED, "title": "Staff Engineer"}]


def test_entries_are_corrected_and_the_text_stays(alice: User) -> None:
    api_client(alice).put(RESUME, {"text": JOBS})

    body = api_client(alice).patch(RESUME, {"entries": [CORRECTED]}, format="json").json()

    assert (body["entries"], body["text"]) == ([CORRECTED], JOBS)
    assert api_client(alice).get(RESUME).json()["entries"] == [CORRECTED]


def test_another_text_is_looked_through_anew(alice: User) -> None:
    ResumeFactory(owner=alice, entries=[CORRECTED])

    body = api_client(alice).put(RESUME, {"text": "Nine words that hold no job."}).json()

    assert body["entries"] == []


@pytest.mark.parametrize(
    "entry",
    [
        {"section": "hobbies", "title": "Chess"},
        {"title": "Chess"},
        {"section": "skills", "title": "x" * 201},
        {"section": "skills", "title": "a\x00b"},
        "Chess",
    ],
)
def test_what_is_no_entry_is_refused(alice: User, entry: object) -> None:
    ResumeFactory(owner=alice, entries=[CORRECTED])

    response = api_client(alice).patch(RESUME, {"entries": [entry]}, format="json")

    assert_problem(response, 400, "VALIDATION_ERROR")
    assert Resume.objects.get().entries == [CORRECTED]


def test_more_entries_than_can_be_kept_are_refused(alice: User) -> None:
    ResumeFactory(owner=alice)

    response = api_client(alice).patch(RESUME, {"entries": [CORRECTED] * 61}, format="json")

    assert_problem(response, 400, "VALIDATION_ERROR")


def test_nothing_stored_nothing_to_correct(alice: User) -> None:
    response = api_client(alice).patch(RESUME, {"entries": [CORRECTED]}, format="json")

    assert_problem(response, 404, "NOT_FOUND")


def test_json_resume_says_itself_what_it_holds(alice: User) -> None:
    resume = {
        "basics": {"name": "Ada Quill"},
        "work": [{"name": "Fjord Pay", "position": "Principal", "startDate": "2021-03"}],
        "skills": [{"name": "Data", "keywords": ["SQL"]}],
    }

    body = put_file(alice, "resume.json", json.dumps(resume).encode()).json()

    assert body["entries"] == [
        {**CORRECTED, "dates": "2021-03 –"},
        {"section": "skills", "title": "Data, SQL", "employer": "", "dates": ""},
    ]
