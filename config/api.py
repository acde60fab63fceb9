"""One API under one prefix: the product's routes and the engine's."""

from __future__ import annotations

from django.urls import include, path, re_path

from operations.api.views import UnknownPath

urlpatterns = [
    path("", include("interview_app.api.urls")),
    path("", include("operations.api.urls")),
    re_path("", UnknownPath.as_view()),
]
