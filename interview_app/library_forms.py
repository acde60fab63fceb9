"""Forms of what a person keeps for every practice, and of questions that they add to one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from interview_app.forms import WrittenField
from interview_app.models import (
    ANSWER_MAX_LENGTH,
    COMPETENCY_MAX_LENGTH,
    QUESTION_MAX_LENGTH,
    ROLE_MAX_LENGTH,
)


class StoryForm(forms.Form):
    title = WrittenField(
        label=_("Title"),
        help_text=_("To find it again. Nobody else sees it."),
        limit=ROLE_MAX_LENGTH,
    )
    question = WrittenField(
        label=_("A question of your own"),
        help_text=_("You can add it to a practice before its first answer."),
        limit=QUESTION_MAX_LENGTH,
        rows=3,
        required=False,
    )
    text = WrittenField(
        label=_("Your story"),
        help_text=_("An answer that you want to tell again. You can insert it at a question."),
        limit=ANSWER_MAX_LENGTH,
        rows=10,
        required=False,
    )
    competency = WrittenField(
        label=_("What it shows"),
        help_text=_("For example: leading, handling conflict, SQL."),
        limit=COMPETENCY_MAX_LENGTH,
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not (cleaned.get("question") or cleaned.get("text")):
            self.add_error("text", _("Please write a question or a story."))
        return cleaned


class OwnQuestionForm(forms.Form):
    text = WrittenField(
        label=_("A question of your own"),
        limit=QUESTION_MAX_LENGTH,
        rows=3,
        error_messages={"required": _("Please write the question.")},
    )
    competency = WrittenField(
        label=_("What it asks for"), limit=COMPETENCY_MAX_LENGTH, required=False
    )
    keep = forms.BooleanField(label=_("Keep it in my library"), required=False)


class ChosenStoryForm(forms.Form):
    story = forms.UUIDField()
