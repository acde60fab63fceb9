"""What a person can take along: one practice, or all that is kept about them."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO, Any
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

from interview_app.accounts import chosen_language
from interview_app.api.auth import UserSerializer
from interview_app.api.own_key import key_data
from interview_app.api.serializers import (
    HELD_BACK_TOO,
    JobPostingSerializer,
    ResumeSerializer,
    SessionSerializer,
)
from interview_app.api.views import own_session_detail
from interview_app.exports import file_name, session_markdown
from interview_app.library import stories_of
from interview_app.models import JobPosting, Resume
from interview_app.queries import SessionDetail, session_details, sessions_of
from operations.api.door import ApiView
from operations.api.downloads import AnyAccept, text_file
from operations.api.serializers import OperationSerializer, UtcField
from operations.database.states import with_state
from operations.models import Operation
from operations.own_keys import own_key_of

MARKDOWN = "text/markdown; charset=utf-8"
JSON = "application/json"
ROWS_AT_ONCE = 500


class ExportQuery(serializers.Serializer[Any]):
    format = serializers.ChoiceField(choices=("md", "json"), default="md")


class SessionExport(ApiView):
    content_negotiation_class = AnyAccept

    def get(self, request: Request, pk: UUID) -> HttpResponse:
        detail = own_session_detail(self.person, pk)
        query = ExportQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        name = file_name(detail.session)
        if query.validated_data["format"] == "json":
            text = _json(_whole_session(detail))
            return text_file(text, name=f"{name}.json", content_type=JSON)
        return text_file(session_markdown(detail), name=f"{name}.md", content_type=MARKDOWN)


def account_archive(person: User) -> IO[bytes]:
    """A zip of JSON and Markdown with all that is kept about the person, from its start. On disk,
    one session at a time in memory; whole before anything is sent."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  (closed by what sends it)
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in _files(person):
                archive.writestr(name, text)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _files(person: User) -> Iterator[tuple[str, str]]:
    yield "account.json", _json(_account(person))
    if resume := Resume.objects.filter(owner=person).first():
        yield "resume.json", _json(ResumeSerializer(resume).data)
        yield "resume.txt", resume.text
    postings = JobPosting.objects.filter(owner=person)
    yield "job-postings.json", _json(JobPostingSerializer(postings, many=True).data)
    stories = stories_of(person).values("title", "question", "text", "competency", "updated_at")
    yield "library.json", _json(list(stories))
    sessions = sessions_of(person).select_related("summary")
    for session_id in sessions.values_list("pk", flat=True):
        # None where it was deleted meanwhile.
        for detail in session_details(sessions.filter(pk=session_id)):
            name = f"practices/{file_name(detail.session)}"
            yield f"{name}.json", _json(_whole_session(detail, held_back_too=True))
            yield f"{name}.md", session_markdown(detail)
    for number, rows in enumerate(_operations(person), start=1):
        yield f"operations-{number}.json", _json(OperationSerializer(rows, many=True).data)


def _operations(person: User) -> Iterator[list[Operation]]:
    theirs = with_state(Operation.objects.filter(owner=person)).order_by("pk")
    rows = list(theirs[:ROWS_AT_ONCE])
    while rows:
        yield rows
        rows = list(theirs.filter(pk__gt=rows[-1].pk)[:ROWS_AT_ONCE])


def _account(person: User) -> dict[str, Any]:
    return {
        **UserSerializer(person).data,
        "date_joined": UtcField().to_representation(person.date_joined),
        "own_key": key_data(own_key_of(person.pk)),
        "language": chosen_language(person) or None,
        "last_login": person.last_login and UtcField().to_representation(person.last_login),
    }


def _whole_session(detail: SessionDetail, *, held_back_too: bool = False) -> dict[str, Any]:
    """What the API shows, and the texts that it began with."""
    session = detail.session
    return {
        **SessionSerializer(detail, context={HELD_BACK_TOO: held_back_too}).data,
        "job_description": session.job_description,
        "resume_text": session.resume_text,
        "resume_entries": session.resume_entries,
    }


def _json(data: Any) -> str:
    return json.dumps(data, cls=JSONEncoder, ensure_ascii=False, indent=2)
