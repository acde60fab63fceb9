"""A document of the project as a page of the console."""

from __future__ import annotations

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from operations.documents import document_names, folder, parts


@require_safe
def document_page(request: HttpRequest, name: str) -> HttpResponse:
    """Without pictures: those are for who has no console before them."""
    if name not in document_names():
        raise Http404
    first, *others = parts((folder() / f"{name}.md").read_text("utf-8"))
    context = admin.site.each_context(request) | {
        "title": first.title,
        "first": first,
        "parts": others,
        "names": document_names(),
        "is_nav_sidebar_enabled": False,
    }
    return render(request, "admin/operations/document.html", context)
