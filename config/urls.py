from __future__ import annotations

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path

from config.health import healthz, readyz


def no_view_on_site(request: HttpRequest, rest: str) -> HttpResponse:
    """No row has a page that the admin could lead to. Django's own view looks rows of any table up
    by their key, without a permission, and fails on a key that is no UUID."""
    raise Http404


handler400 = "config.refused.bad_request"

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("admin/r/<path:rest>", no_view_on_site),
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api")),
    path("", include("interview_app.urls")),
]
