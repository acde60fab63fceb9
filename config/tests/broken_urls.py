from __future__ import annotations

from django.urls import path

from config.tests.broken_settings import broken
from config.urls import handler400, handler500, urlpatterns

__all__ = ["handler400", "handler500", "urlpatterns"]

urlpatterns = [path("api/v1/broken/", broken), path("broken/", broken), *urlpatterns]
