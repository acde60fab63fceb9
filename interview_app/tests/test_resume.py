from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from interview_app.models import Resume
from interview_app.services import delete_resume, save_resume
from interview_app.tests.factories import ResumeFactory
from operations.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_a_person_has_one_resume_and_the_newest_wins() -> None:
    owner = UserFactory()

    save_resume(owner=owner, text="first", source="pdf")
    save_resume(owner=owner, text="second")

    resume = Resume.objects.get()
    assert (resume.text, resume.source) == ("second", "text")


@pytest.mark.parametrize("text", ["", "  ", "x" * 60_001, "\x00"])
def test_a_resume_that_cannot_be_stored_leaves_the_old_one(text: str) -> None:
    resume = ResumeFactory(text="kept")

    with pytest.raises(ValidationError):
        save_resume(owner=resume.owner, text=text)

    resume.refresh_from_db()
    assert resume.text == "kept"


def test_deleting_a_resume_leaves_those_of_others() -> None:
    mine, theirs = ResumeFactory(), ResumeFactory()

    delete_resume(owner=mine.owner)
    delete_resume(owner=mine.owner)

    assert Resume.objects.get() == theirs
