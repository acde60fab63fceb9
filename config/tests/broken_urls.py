from __future__ import annotations

from typing import NoReturn

from django.urls import path
from rest_framework.request import Request
from rest_framework.views import APIView

from config.tests.broken_settings import broken
from config.urls import handler400, handler500, urlpatterns

__all__ = ["handler400", "handler500", "urlpatterns"]


class Broken(APIView):
    def get(self, request: Request) -> NoReturn:
        broken(request)


urlpatterns = [
    path("api/v1/broken/", Broken.as_view()),
    path("broken/", broken),
    *urlpatterns,
]
