"""Starting a practice: what may be typed, what is refused beside it, and what starts once."""

from __future__ import annotations

import io
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from docx import Document
from pypdf import PdfWriter
from pytest_django import Settings

from interview_app.models import InterviewSession, Resume
from operations.models import Operation

pytestmark = pytest.mark.django_db

EMOJI_AND_HEBREW = "Engineer \N{ROCKET} מהנדס תוכנה"


def form(**changes: Any) -> dict[str, Any]:
    return {
        "form_key": str(uuid.uuid4()),
        "role": "Backend Engineer",
        "job_description": "You own the billing service.",
        "resume_text": "Rebuilt payment capture.",
        "seniority": "mid",
        "question_count": "5",
        "interview_type": "mixed",
        "mode": "practice",
        "language": "en",
        **changes,
    }


def start(client: Client, **changes: Any) -> Any:
    return client.post("/practice/new/", form(**changes))


def docx_of(text: str) -> bytes:
    document, file = Document(), io.BytesIO()
    document.add_paragraph(text)
    document.save(file)
    return file.getvalue()


def picture_only_pdf() -> bytes:
    writer, file = PdfWriter(), io.BytesIO()
    writer.add_blank_page(width=595, height=842)
    writer.write(file)
    return file.getvalue()


def test_start_saves_the_session_and_its_operation(client: Client, alice: User) -> None:
    client.force_login(alice)

    response = start(client)

    session = InterviewSession.objects.get()
    operation = Operation.objects.get()
    assert response["Location"] == f"/practice/{session.pk}/"
    assert session.job_description == "You own the billing service."
    assert (operation.kind, operation.status) == ("question_generation", "pending")
    assert operation.session_id == session.pk


def test_the_session_page_is_there_before_the_questions(client: Client, alice: User) -> None:
    client.force_login(alice)

    page = client.get(start(client).url)

    assert page.status_code == 200
    assert "Preparing your questions" in page.text
    assert '<meta http-equiv="refresh"' in page.text


def test_the_same_form_sent_ten_times_starts_one_session(client: Client, alice: User) -> None:
    client.force_login(alice)
    sent = form()

    addresses = {client.post("/practice/new/", sent)["Location"] for _ in range(10)}

    assert len(addresses) == 1
    assert InterviewSession.objects.count() == Operation.objects.count() == 1


def test_a_form_changed_after_going_back_starts_another_session(
    client: Client, alice: User
) -> None:
    client.force_login(alice)
    sent = form()

    client.post("/practice/new/", sent)
    client.post("/practice/new/", {**sent, "role": "Team Lead"})

    assert set(InterviewSession.objects.values_list("role", flat=True)) == {
        "Backend Engineer",
        "Team Lead",
    }


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        pytest.param({"role": " "}, "role", "Please name the role", id="blank role"),
        pytest.param({"role": "x" * 201}, "role", "At most 200 characters", id="long role"),
        pytest.param(
            {"job_description": "x" * 2_000_000},
            "job_description",
            "At most 60000 characters",
            id="2 MB posting",
        ),
        pytest.param({"job_description": "a\x00b"}, "job_description", "NUL", id="NUL"),
        pytest.param({"resume_text": "x" * 60_001}, "resume_text", "60000", id="long résumé"),
        pytest.param({"question_count": "11"}, "question_count", "10", id="11 questions"),
        pytest.param({"question_count": "five"}, "question_count", "number", id="no number"),
        pytest.param({"language": "xx"}, "language", "valid choice", id="language"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_lost(
    client: Client, alice: User, changes: dict[str, str], field: str, sentence: str
) -> None:
    client.force_login(alice)

    response = start(client, **changes)

    assert response.status_code == 400
    assert sentence in str(response.context["form"].errors[field])
    shown = response.context["form"]
    for name, value in form(**changes).items():
        if name != "form_key":
            assert shown[name].value() == value
    assert not InterviewSession.objects.exists()


def test_emoji_and_right_to_left_text_are_kept(client: Client, alice: User) -> None:
    client.force_login(alice)

    page = client.get(start(client, role=EMOJI_AND_HEBREW).url)

    assert InterviewSession.objects.get().role == EMOJI_AND_HEBREW
    assert f'<h1 dir="auto">{EMOJI_AND_HEBREW}</h1>' in page.text


def test_markup_in_a_role_stays_text(client: Client, alice: User) -> None:
    client.force_login(alice)

    page = client.get(start(client, role="<script>alert(1)</script>").url)

    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text


def test_a_resume_file_becomes_the_snapshot(client: Client, alice: User) -> None:
    client.force_login(alice)

    file = SimpleUploadedFile("cv.docx", docx_of("Ran nine roll-outs."))
    seen = start(client, resume_text="", resume_file=file)
    start(client, resume_text=seen.context["form"]["resume_text"].value())

    assert InterviewSession.objects.get().resume_text == "Ran nine roll-outs."


def test_nothing_starts_before_the_text_of_a_file_was_seen(client: Client, alice: User) -> None:
    client.force_login(alice)

    file = SimpleUploadedFile("cv.docx", docx_of("Ran nine roll-outs."))
    page = start(client, resume_text="", resume_file=file)

    assert page.status_code == 200
    assert "Ran nine roll-outs.</textarea>" in page.text
    assert "Nothing has started yet" in page.text
    assert "There are hardly any words." in page.text
    assert not InterviewSession.objects.exists()


@pytest.mark.parametrize("field", ["job_description", "resume_text"])
def test_a_link_instead_of_a_text_is_told_what_to_do(
    client: Client, alice: User, field: str
) -> None:
    client.force_login(alice)

    page = start(client, **{field: "https://jobs.example.org/4711?utm_source=mail"})

    assert page.status_code == 400
    assert "This is only a link" in str(page.context["form"].errors[field])
    assert not InterviewSession.objects.exists()


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        pytest.param("cv.pdf", picture_only_pdf(), "picture", id="picture-only PDF"),
        pytest.param("cv.docx", b"%PDF-1.7 not a Word file", "not what", id="docx that is none"),
        pytest.param("cv.pdf", b"", "empty", id="empty file"),
        pytest.param("cv.odp", b"text", "This kind of file", id="unsupported type"),
        pytest.param("cv.jpg", b"\xff\xd8", "This is a picture", id="picture"),
        pytest.param("cv.txt", b"x" * (5 * 1024 * 1024 + 1), "5 MB", id="too large"),
    ],
)
def test_an_unusable_file_is_explained_and_the_rest_is_kept(
    client: Client, alice: User, name: str, data: bytes, sentence: str
) -> None:
    client.force_login(alice)

    response = start(client, resume_file=SimpleUploadedFile(name, data))

    assert response.status_code == 400
    assert sentence in str(response.context["form"].errors["resume_file"])
    assert "You own the billing service." in response.text
    assert "Rebuilt payment capture." in response.text
    assert not InterviewSession.objects.exists()


def test_a_read_file_stays_in_the_box_when_another_field_is_wrong(
    client: Client, alice: User
) -> None:
    client.force_login(alice)

    file = SimpleUploadedFile("cv.txt", b"Moved 14 wards.")
    response = start(client, role="", resume_text="", resume_file=file)

    assert response.status_code == 400
    assert "Moved 14 wards.</textarea>" in response.text


def test_the_stored_resume_is_offered(client: Client, alice: User) -> None:
    Resume.objects.create(owner=alice, text="Stored once.", source="text")
    client.force_login(alice)

    assert "Stored once.</textarea>" in client.get("/practice/new/").text


def test_an_earlier_practice_fills_the_form(client: Client, alice: User) -> None:
    client.force_login(alice)
    start(client, role="Ferry captain", seniority="lead")

    page = client.get(f"/practice/new/?from={InterviewSession.objects.get().pk}").text

    assert 'value="Ferry captain"' in page
    assert "You own the billing service.</textarea>" in page
    assert '<option value="lead" selected>' in page


@pytest.mark.parametrize("theirs", ["", "no-id", "{session}"])
def test_somebody_elses_practice_fills_nothing(
    client: Client, alice: User, bob: User, theirs: str
) -> None:
    client.force_login(alice)
    start(client, role="Ferry captain")
    client.force_login(bob)

    address = theirs.format(session=InterviewSession.objects.get().pk)
    page = client.get(f"/practice/new/?from={address}")

    assert page.status_code == 200
    assert "Ferry captain" not in page.text


def test_an_emptied_resume_box_means_no_resume(client: Client, alice: User) -> None:
    Resume.objects.create(owner=alice, text="Stored once.", source="text")
    client.force_login(alice)

    start(client, resume_text="")

    assert InterviewSession.objects.get().resume_text == ""


def test_too_many_unfinished_operations_are_refused_beside_the_text(
    client: Client, alice: User, settings: Settings
) -> None:
    settings.MAX_UNFINISHED_OPERATIONS_PER_USER = 1
    client.force_login(alice)
    start(client)

    response = start(client, role="Another one")

    assert response.status_code == 429
    assert "Too many of your requests" in response.text
    assert 'value="Another one"' in response.text
    assert InterviewSession.objects.count() == 1


def test_a_body_beyond_the_limit_gets_a_page_that_says_so(client: Client, alice: User) -> None:
    client.force_login(alice)

    response = start(client, resume_file=SimpleUploadedFile("cv.txt", b"x" * 6_300_000))

    assert response.status_code == 413
    assert "This is too large" in response.text
