"""Home, a new practice, and the list of one's own."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from interview_app.example import finished_example
from interview_app.forms import NewPracticeForm, chosen_role
from interview_app.models import MAX_QUESTIONS, InterviewSession, Resume
from interview_app.practice_cost import practice_estimate
from interview_app.queries import session_details, sessions_of
from interview_app.services import start_session
from interview_app.views.live import own_page
from interview_app.views.ownership import signed_in_user
from interview_app.views.refused import refuse_in_form, refuse_page
from operations import budgets
from operations.models import Door
from operations.own_keys import has_own_key
from operations.refusals import Refusal

PRACTICES_PER_PAGE = 20
LONG_TEXTS = ("job_description", "resume_text", "resume_entries", "summary__text")
"""Of a practice; the list shows none of them."""


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "interview_app/home.html")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_practice(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _start(request)
    offered = {"form_key": uuid4(), **_offered(request)}
    return _form_page(request, NewPracticeForm(initial=offered, owner=signed_in_user(request)))


@own_page
def my_practice(request: HttpRequest) -> HttpResponse:
    sessions = sessions_of(signed_in_user(request)).select_related("summary").defer(*LONG_TEXTS)
    page = Paginator(sessions, PRACTICES_PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "practices": session_details(list(page), with_answer_texts=False)}
    return render(request, "interview_app/my_practice.html", context)


def _start(request: HttpRequest) -> HttpResponse:
    sent, owner = _filled(request.POST), signed_in_user(request)
    form = NewPracticeForm(sent, request.FILES, owner=owner)
    if not form.is_valid():
        page = _form_page(request, form, status=400)
        return refuse_page(page, form.busy) if form.busy else page
    if form.read or "fill" in sent:
        # What a program read or filled in is not used before the person has seen it.
        return _form_page(request, form)
    fields = {name: form.cleaned_data[name] for name in form.keyed_fields}
    try:
        session, _operation = start_session(
            owner=owner, form_key=form.submission_key(), door=Door.PAGE, **fields
        )
    except Refusal as refusal:
        return refuse_page(_form_page(request, refuse_in_form(form, refusal)), refusal)
    return redirect("session", session_id=session.pk)


def _filled(sent: QueryDict) -> QueryDict:
    """What was sent, with the chosen ready role in place of role, posting and level."""
    role = chosen_role(sent)
    if role is None:
        return sent
    filled = sent.copy()
    filled["role"], filled["job_description"] = role.title, role.description
    filled["seniority"] = role.seniority
    return filled


def _form_page(request: HttpRequest, form: NewPracticeForm, status: int = 200) -> HttpResponse:
    count = _question_count(form)
    context = {
        "form": form,
        "count": count,
        "estimate": practice_estimate(count),
        "stopped": _stopped(signed_in_user(request)),
    }
    return render(request, "interview_app/new_practice.html", context, status=status)


def _stopped(owner: AbstractUser) -> str:
    """Said before anything is typed; empty where a start would not be refused for a budget."""
    code = budgets.reached(owner.pk, own_key=False)
    return str(budgets.REACHED[code].message) if code and not has_own_key(owner.pk) else ""


def _question_count(form: NewPracticeForm) -> int:
    """As it stands in the form, which may hold anything."""
    value = str(form["question_count"].value())
    return int(value) if value in map(str, range(1, MAX_QUESTIONS + 1)) else 5


def _offered(request: HttpRequest) -> dict[str, Any]:
    """What stands in the form at first: the example, an earlier practice, or the stored résumé."""
    earlier = finished_example().session if "example" in request.GET else _earlier_session(request)
    if earlier is None:
        return {"resume_text": _stored_resume_text(request)}
    return {name: getattr(earlier, name) for name in NewPracticeForm.keyed_fields}


def _earlier_session(request: HttpRequest) -> InterviewSession | None:
    try:
        session_id = UUID(request.GET.get("from", ""))
    except ValueError:
        return None
    return sessions_of(signed_in_user(request)).filter(pk=session_id).first()


def _stored_resume_text(request: HttpRequest) -> str:
    resume = Resume.objects.filter(owner=signed_in_user(request)).first()
    return resume.text if resume else ""
