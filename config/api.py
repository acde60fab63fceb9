"""One API under one prefix: the product's routes and the engine's."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("interview_app.api.urls")),
    path("", include("operations.api.urls")),
]
