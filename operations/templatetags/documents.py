"""Which of the project's documents speaks of a console page."""

from __future__ import annotations

from django import template
from django.contrib import admin
from django.template import Context

from operations.documents import document_url

register = template.Library()

OF_NO_MODEL = "operating"


@register.simple_tag(takes_context=True)
def document_of_page(context: Context) -> str:
    opts = context.get("opts")
    if opts is None:
        return document_url(OF_NO_MODEL)
    return document_url(getattr(admin.site.get_model_admin(opts.model), "document", OF_NO_MODEL))


@register.simple_tag
def document(place: str) -> str:
    return document_url(place)
