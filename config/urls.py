from __future__ import annotations

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from django.utils.translation import gettext_lazy as _
from django.views.generic import RedirectView

from config.health import healthz, readyz
from config.metrics import metrics
from operations.admin.documents import document_page
from operations.api.docs import SchemaView, docs

admin.site.site_header = admin.site.site_title = _("Interview practice")
admin.site.index_title = _("Console")


def no_view_on_site(request: HttpRequest, rest: str) -> HttpResponse:
    """No row has a page that the admin could lead to. Django's own view looks rows of any table up
    by their key, without a permission, and fails on a key that is no UUID."""
    raise Http404


handler400 = "config.unavailable.bad_request"
handler500 = "config.unavailable.server_error"

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("admin/r/<path:rest>", no_view_on_site),
    # Its own page would be a second door to guess one's password at.
    path("admin/password_change/", RedirectView.as_view(pattern_name="change_password")),
    path("admin/docs/<slug:name>/", admin.site.admin_view(document_page), name="console_document"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api")),
    path("api/schema/", SchemaView.as_view(), name="api-schema"),
    path("api/docs/", docs, name="api-docs"),
    path("", include("interview_app.urls")),
]
