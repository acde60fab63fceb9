"""The part of a question's form that brings in what the person keeps."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from interview_app.library import stories_of
from interview_app.models import Question

register = template.Library()


@register.inclusion_tag("interview_app/_stories.html", takes_context=True)
def stories_to_insert(context: Context, question: Question) -> dict[str, Any]:
    """One query. To stand inside the form whose `text` is the answer: it is sent along."""
    stories = stories_of(context["request"].user).exclude(text="").only("title")
    return {"stories": stories, "question": question}
