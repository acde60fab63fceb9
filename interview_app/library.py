"""What a person keeps for every practice: questions of their own, answers that they tell again."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from interview_app.models import (
    ANSWER_MAX_LENGTH,
    COMPETENCY_MAX_LENGTH,
    MAX_STORIES,
    QUESTION_MAX_LENGTH,
    ROLE_MAX_LENGTH,
    Draft,
    Question,
    Story,
)
from interview_app.refusals import StoryTooLong, TooManyStories
from interview_app.services import save_draft
from interview_app.validation import check_text, field_error


def stories_of(owner: AbstractUser) -> QuerySet[Story]:
    return Story.objects.filter(owner_id=owner.pk)


def save_story(
    *,
    owner: AbstractUser,
    title: str,
    question: str = "",
    text: str = "",
    competency: str = "",
    story: Story | None = None,
) -> Story:
    """A new one, or `story` changed. Raises ValidationError where neither question nor text is
    there, TooManyStories beyond the most that one person may keep."""
    fields = {"title": title, "question": question, "text": text, "competency": competency}
    _check(fields)
    if story is not None:
        # No plain save: whoever deleted it meanwhile does not find it made anew.
        stories_of(owner).filter(pk=story.pk).update(**fields, updated_at=timezone.now())
        return story
    with transaction.atomic():
        if stories_of(owner).count() >= MAX_STORIES:
            raise TooManyStories
        return Story.objects.create(owner_id=owner.pk, **fields)


def insert_story(*, question: Question, story: Story, typed: str) -> Draft:
    """The question's draft becomes what is typed and, below it, the story. Raises StoryTooLong
    after it kept what was typed, and what `save_draft` raises."""
    joined = "\n\n".join(part for part in (typed.rstrip(), story.text) if part)
    if len(joined) > ANSWER_MAX_LENGTH:
        save_draft(question=question, text=typed)
        raise StoryTooLong
    return save_draft(question=question, text=joined)


def _check(fields: dict[str, str]) -> None:
    check_text("title", fields["title"], max_length=ROLE_MAX_LENGTH, required=True)
    check_text("question", fields["question"], max_length=QUESTION_MAX_LENGTH)
    check_text("text", fields["text"], max_length=ANSWER_MAX_LENGTH)
    check_text("competency", fields["competency"], max_length=COMPETENCY_MAX_LENGTH)
    if not (fields["question"].strip() or fields["text"].strip()):
        raise field_error("text", "required", _("Please write a question or a story."))
