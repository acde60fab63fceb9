"""A person's library: what they keep for every practice, and how it comes into one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from interview_app.forms import DraftForm
from interview_app.library import insert_story, save_story, stories_of
from interview_app.library_forms import ChosenStoryForm, StoryForm
from interview_app.models import Story
from interview_app.refusals import StoryTooLong
from interview_app.views.live import own_page
from interview_app.views.ownership import own_answer, own_question, signed_in_user
from interview_app.views.questions import draft
from interview_app.views.refused import refuse_in_form, refuse_in_message, refuse_page
from operations.refusals import Refusal

STORIES_PER_PAGE = 20


@own_page
def stories(request: HttpRequest) -> HttpResponse:
    pages = Paginator(stories_of(signed_in_user(request)), STORIES_PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    return render(request, "interview_app/stories.html", {"page": page})


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_story(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _save(request, None)
    return _page(request, StoryForm(initial=_of_answer(request)), None)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def one_story(request: HttpRequest, story_id: UUID) -> HttpResponse:
    story = get_object_or_404(stories_of(signed_in_user(request)), pk=story_id)
    if request.method == "POST":
        return _save(request, story)
    kept = {name: getattr(story, name) for name in StoryForm.base_fields}
    return _page(request, StoryForm(initial=kept), story)


@login_required
@require_POST
def delete_story(request: HttpRequest, story_id: UUID) -> HttpResponse:
    get_object_or_404(stories_of(signed_in_user(request)), pk=story_id).delete()
    messages.success(request, _("It is deleted from your library."))
    return redirect("stories")


@login_required
@require_POST
def insert(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """What was typed so far comes along, and is saved as a draft together with the story."""
    _detail, part = own_question(request, question_id)
    chosen, typed = ChosenStoryForm(request.POST), DraftForm(request.POST)
    if not typed.is_valid() or not chosen.is_valid():
        return draft(request, question_id)  # keeps what was typed, or shows it again
    mine = stories_of(signed_in_user(request))
    story = get_object_or_404(mine, pk=chosen.cleaned_data["story"])
    try:
        insert_story(question=part.question, story=story, typed=typed.cleaned_data["text"])
    except StoryTooLong as refusal:
        refuse_in_message(request, refusal)
    except Refusal:
        return draft(request, question_id)  # is refused as well, and says so beside what was typed
    return redirect("question", question_id=question_id)


def _save(request: HttpRequest, story: Story | None) -> HttpResponse:
    form = StoryForm(request.POST)
    if not form.is_valid():
        return _page(request, form, story, status=400)
    try:
        save_story(owner=signed_in_user(request), story=story, **form.cleaned_data)
    except Refusal as refusal:
        return refuse_page(_page(request, refuse_in_form(form, refusal), story), refusal)
    messages.success(request, _("It is saved in your library."))
    return redirect("stories")


def _page(
    request: HttpRequest, form: StoryForm, story: Story | None, status: int = 200
) -> HttpResponse:
    context = {"form": form, "story": story}
    return render(request, "interview_app/story.html", context, status=status)


def _of_answer(request: HttpRequest) -> dict[str, Any]:
    """An answer of theirs, to be kept."""
    try:
        answer_id = UUID(request.GET.get("answer", ""))
    except ValueError:
        return {}
    answer = own_answer(request, answer_id)
    competency = answer.question.competency
    return {"title": competency, "text": answer.text, "competency": competency}
