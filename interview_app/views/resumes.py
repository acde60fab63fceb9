"""The résumé a person keeps for all practices."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from interview_app.entry_forms import ResumeEntryForms
from interview_app.forms import ResumeForm
from interview_app.models import Resume
from interview_app.resume_texts import WARNINGS
from interview_app.services import correct_resume_entries, delete_resume, save_resume
from interview_app.views.ownership import signed_in_user
from interview_app.views.refused import refuse_page

ENTRIES = "entries"


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_resume(request: HttpRequest) -> HttpResponse:
    resume = Resume.objects.filter(owner=signed_in_user(request)).first()
    if request.method == "POST":
        return _save(request, resume)
    owner = signed_in_user(request)
    form = ResumeForm(initial={"resume_text": resume.text if resume else ""}, owner=owner)
    return _page(request, form, resume)


@login_required
@require_POST
def delete_my_resume(request: HttpRequest) -> HttpResponse:
    delete_resume(owner=signed_in_user(request))
    messages.success(request, _("Your résumé is deleted."))
    return redirect("my_resume")


@never_cache
@login_required
@require_POST
def correct_my_resume(request: HttpRequest) -> HttpResponse:
    owner = signed_in_user(request)
    resume = get_object_or_404(Resume, owner=owner)
    entries = ResumeEntryForms(request.POST, prefix=ENTRIES)
    if not entries.is_valid():
        form = ResumeForm(initial={"resume_text": resume.text}, owner=owner)
        return _page(request, form, resume, status=400, entries=entries)
    rows = [row for row in entries.cleaned_data if row]
    correct_resume_entries(owner=owner, entries=rows)
    messages.success(request, _("Your corrections are saved."))
    return redirect("my_resume")


def _save(request: HttpRequest, resume: Resume | None) -> HttpResponse:
    form = ResumeForm(request.POST, request.FILES, owner=signed_in_user(request))
    if not form.is_valid():
        page = _page(request, form, resume, status=400)
        return refuse_page(page, form.busy) if form.busy else page
    owner = signed_in_user(request)
    if form.read:
        save_resume(owner=owner, **asdict(form.read))
        messages.success(request, _("Saved: this is what was read from your file."))
    else:
        save_resume(owner=owner, text=form.cleaned_data["resume_text"])
        messages.success(request, _("Your résumé is saved."))
    return redirect("my_resume")


def _page(
    request: HttpRequest,
    form: ResumeForm,
    resume: Resume | None,
    status: int = 200,
    entries: Any = None,
) -> HttpResponse:
    warnings = [WARNINGS[code] for code in resume.warnings] if resume else []
    if entries is None and resume:
        entries = ResumeEntryForms(initial=resume.entries, prefix=ENTRIES)
    context = {"form": form, "resume": resume, "warnings": warnings, "entries": entries}
    return render(request, "interview_app/my_resume.html", context, status=status)
