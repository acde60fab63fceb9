"""The banner of what is wrong now, for pages of the admin."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from operations.console.telling import notices
from operations.models import Operation

register = template.Library()

VIEW = f"{Operation._meta.app_label}.view_alert"


@register.inclusion_tag("admin/operations/_alerts.html", takes_context=True)
def alerts_banner(context: Context) -> dict[str, Any]:
    """For those with the permission to see alerts. A fixed number of queries."""
    user = context["request"].user
    return {"notices": notices() if user.has_perm(VIEW) else []}
