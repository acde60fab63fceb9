"""Files of the API. What a client says it accepts is not asked: there is one file to get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

from django.http import FileResponse, HttpResponse
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class AnyAccept(DefaultContentNegotiation):
    """Problem documents come in JSON, the file in what it is."""

    def select_renderer(
        self,
        request: Request,
        renderers: Sequence[BaseRenderer],  # type: ignore[override]
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type or ""


def text_file(text: str, *, name: str, content_type: str) -> HttpResponse:
    disposition = f'attachment; filename="{name}"'
    return HttpResponse(
        text, content_type=content_type, headers={"Content-Disposition": disposition}
    )


def binary_file(file: IO[Any], *, name: str, content_type: str) -> FileResponse:
    """Closes the file once it is sent."""
    return FileResponse(file, as_attachment=True, filename=name, content_type=content_type)
