"""The résumé a person keeps for all practices."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from interview_app.forms import ResumeForm
from interview_app.models import Resume
from interview_app.services import delete_resume, save_resume
from interview_app.views.ownership import signed_in_user
from interview_app.views.refused import refuse_page


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_resume(request: HttpRequest) -> HttpResponse:
    resume = Resume.objects.filter(owner=signed_in_user(request)).first()
    if request.method == "POST":
        return _save(request, resume)
    form = ResumeForm(initial={"resume_text": resume.text if resume else ""})
    return _page(request, form, resume)


@login_required
@require_POST
def delete_my_resume(request: HttpRequest) -> HttpResponse:
    delete_resume(owner=signed_in_user(request))
    messages.success(request, _("Your résumé is deleted."))
    return redirect("my_resume")


def _save(request: HttpRequest, resume: Resume | None) -> HttpResponse:
    form = ResumeForm(request.POST, request.FILES)
    if not form.is_valid():
        page = _page(request, form, resume, status=400)
        return refuse_page(page, form.busy) if form.busy else page
    save_resume(
        owner=signed_in_user(request),
        text=form.cleaned_data["resume_text"],
        source=form.resume_source,
    )
    messages.success(request, _("Your résumé is saved."))
    return redirect("my_resume")


def _page(
    request: HttpRequest, form: ResumeForm, resume: Resume | None, status: int = 200
) -> HttpResponse:
    context = {"form": form, "resume": resume}
    return render(request, "interview_app/my_resume.html", context, status=status)
