"""A finished practice for others to read, for a while."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from interview_app.models import InterviewSession, ShareLink
from interview_app.refusals import NotFinished
from interview_app.sharing import share_session, token_of
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
    SessionSummaryFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def finished(alice: User) -> InterviewSession:
    session: InterviewSession = InterviewSessionFactory(
        owner=alice,
        finished=True,
        job_description="We hire a baker.",
        resume_text="Twelve years of soups.",
    )
    question = QuestionFactory(session=session, text="Which soup?")
    FeedbackFactory(answer=AnswerFactory(question=question, text="Leek & <b>potato</b>"))
    QuestionFactory(session=session, text="Never answered?")
    SessionSummaryFactory(session=session, text="You know soups.")
    return session


def address(link: ShareLink) -> str:
    return reverse("shared", args=[token_of(link)])


def test_whoever_has_the_link_reads_all_but_posting_and_resume(
    client: Client, finished: InterviewSession
) -> None:
    page = client.get(address(share_session(session=finished)))

    html = page.content.decode()
    for words in (
        "Which soup?",
        "Leek &amp; &lt;b&gt;potato",
        "You know soups.",
        "Never answered?",
    ):
        assert words in html
    for secret in ("baker", "Twelve years", finished.owner.username, "formaction"):
        assert secret not in html
    assert page["X-Robots-Tag"] == "noindex"
    assert page["Referrer-Policy"] == "no-referrer"
    assert "no-store" in page["Cache-Control"]


def test_link_can_be_taken_back(client: Client, alice: User, finished: InterviewSession) -> None:
    client.force_login(alice)
    client.post(reverse("share_session", args=[finished.pk]))
    link = ShareLink.objects.get()
    summary = client.get(reverse("summary", args=[finished.pk]))
    assert f"http://testserver{address(link)}" in summary.content.decode()

    client.post(reverse("unshare_session", args=[finished.pk]))

    assert client.get(address(link)).status_code == 404
    assert b"Make a link" in client.get(reverse("summary", args=[finished.pk])).content


def test_link_ends(client: Client, finished: InterviewSession) -> None:
    link = share_session(session=finished)
    ShareLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert client.get(address(link)).status_code == 404


def test_a_new_link_ends_the_old_one(client: Client, finished: InterviewSession) -> None:
    old, new = share_session(session=finished), share_session(session=finished)

    assert client.get(address(old)).status_code == 404
    assert client.get(address(new)).status_code == 200


@pytest.mark.parametrize("token", ["x", "00000000-0000-4000-8000-000000000000", "{pk}", "{pk}.x"])
def test_id_alone_opens_nothing(client: Client, finished: InterviewSession, token: str) -> None:
    link = share_session(session=finished)

    assert client.get(reverse("shared", args=[token.format(pk=link.pk)])).status_code == 404


def test_only_what_is_finished_and_ones_own(
    client: Client, alice: User, bob: User, finished: InterviewSession
) -> None:
    with pytest.raises(NotFinished):
        share_session(session=InterviewSessionFactory(owner=alice))
    client.force_login(bob)

    assert client.post(reverse("share_session", args=[finished.pk])).status_code == 404
    assert not ShareLink.objects.exists()


def test_token_is_in_no_log_line(
    client: Client, finished: InterviewSession, caplog: pytest.LogCaptureFixture
) -> None:
    link = share_session(session=finished)

    client.get(address(link))

    assert "/shared/..." in caplog.text
    assert str(link.pk) not in caplog.text
