"""The interview over HTTP. Every object is its owner's alone: anybody else gets 404, staff too."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework.mixins import (
    DestroyModelMixin,
    ListModelMixin,
    RetrieveModelMixin,
    UpdateModelMixin,
)
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from interview_app.api.serializers import (
    AnswerInput,
    AnswerSerializer,
    DraftInput,
    DraftSerializer,
    JobPostingSerializer,
    ResumeFileInput,
    ResumeInput,
    ResumeSerializer,
    SessionInput,
    SessionSerializer,
)
from interview_app.models import Answer, InterviewSession, JobPosting, Question, Resume
from interview_app.queries import (
    FEEDBACK_ANALYSIS,
    SessionDetail,
    newest_operation,
    session_detail,
    session_details,
    sessions_of,
)
from interview_app.resume_files import read_resume
from interview_app.services import (
    delete_resume,
    delete_session,
    finish_session,
    save_answer,
    save_draft,
    save_resume,
    start_session,
)
from operations.api.door import API, ApiView
from operations.api.idempotency import CreatesOnce
from operations.api.parsers import BoundedJSONParser
from operations.api.serializers import OperationSerializer
from operations.api.views import operation_data


class ResumeView(ApiView):
    parser_classes = (BoundedJSONParser, MultiPartParser)

    def get(self, request: Request) -> Response:
        resume = get_object_or_404(Resume, owner=self.person)
        return Response(ResumeSerializer(resume).data)

    def put(self, request: Request) -> Response:
        text, source = _sent_resume(request)
        resume = save_resume(owner=self.person, text=text, source=source)
        return Response(ResumeSerializer(resume).data)

    def delete(self, request: Request) -> Response:
        delete_resume(owner=self.person)
        return Response(status=204)


class JobPostingList(ListModelMixin, CreatesOnce):
    serializer_class = JobPostingSerializer
    location = "api-job-posting"

    def get_queryset(self) -> QuerySet[JobPosting]:
        return JobPosting.objects.filter(owner=self.person)

    def get(self, request: Request) -> Response:
        return self.list(request)

    def make(self, request: Request, **ids: UUID) -> UUID:
        body = JobPostingSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        posting: JobPosting = body.save(owner=self.person)
        return posting.pk

    def rebuild(self, request: Request, object_id: str) -> Any:
        return JobPostingSerializer(get_object_or_404(self.get_queryset(), pk=object_id)).data


class JobPostingDetail(RetrieveModelMixin, UpdateModelMixin, DestroyModelMixin, ApiView):
    serializer_class = JobPostingSerializer

    def get_queryset(self) -> QuerySet[JobPosting]:
        return JobPosting.objects.filter(owner=self.person)

    def get(self, request: Request, pk: UUID) -> Response:
        return self.retrieve(request)

    def put(self, request: Request, pk: UUID) -> Response:
        return self.update(request)

    def patch(self, request: Request, pk: UUID) -> Response:
        return self.partial_update(request)

    def delete(self, request: Request, pk: UUID) -> Response:
        return self.destroy(request)


class SessionList(CreatesOnce):
    location = "api-session"

    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(sessions_of(self.person).select_related("summary"))
        details = session_details(page or [])
        return self.get_paginated_response(SessionSerializer(details, many=True).data)

    def make(self, request: Request, **ids: UUID) -> UUID:
        body = SessionInput(data=request.data, context={"request": request})
        body.is_valid(raise_exception=True)
        session, _ = start_session(owner=self.person, door=API, **body.validated_data)
        return session.pk

    def rebuild(self, request: Request, object_id: str) -> Any:
        detail = _own_session_detail(self.person, object_id)
        data = dict(SessionSerializer(detail).data)
        data["operation"] = _operation_or_none(detail.generation)
        return data


class SessionView(ApiView):
    def get(self, request: Request, pk: UUID) -> Response:
        detail = _own_session_detail(self.person, pk)
        return Response(SessionSerializer(detail).data)

    def delete(self, request: Request, pk: UUID) -> Response:
        delete_session(session=_own_session(self.person, pk), actor=self.person, door=API)
        return Response(status=204)


class SessionFinish(CreatesOnce):
    made_status = 202
    location = "api-operation"

    def make(self, request: Request, **ids: UUID) -> UUID:
        return finish_session(session=_own_session(self.person, ids["pk"]), door=API).pk

    def rebuild(self, request: Request, object_id: str) -> Any:
        return operation_data(self.person, object_id)


class QuestionDraft(ApiView):
    def patch(self, request: Request, pk: UUID) -> Response:
        question = _own_question(self.person, pk)
        body = DraftInput(data=request.data)
        body.is_valid(raise_exception=True)
        draft = save_draft(question=question, text=body.validated_data["text"])
        return Response(DraftSerializer(draft).data)


class QuestionAnswer(CreatesOnce):
    def make(self, request: Request, **ids: UUID) -> UUID:
        question = _own_question(self.person, ids["pk"])
        body = AnswerInput(data=request.data)
        body.is_valid(raise_exception=True)
        answer, _ = save_answer(question=question, door=API, **body.validated_data)
        return answer.pk

    def rebuild(self, request: Request, object_id: str) -> Any:
        own = Answer.objects.filter(question__session__owner=self.person)
        answer = get_object_or_404(own, pk=object_id)
        operation = newest_operation(FEEDBACK_ANALYSIS, "answer", answer.pk)
        return {
            "answer": AnswerSerializer(answer).data,
            "operation": _operation_or_none(operation),
        }


def _sent_resume(request: Request) -> tuple[str, str]:
    """The text and where it came from: a file's text where one was sent."""
    if "file" not in request.FILES:
        body = ResumeInput(data=request.data)
        body.is_valid(raise_exception=True)
        return body.validated_data["text"], "text"
    upload = ResumeFileInput(data=request.data)
    upload.is_valid(raise_exception=True)
    file = upload.validated_data["file"]
    return read_resume(file.name, file.read())


def _own_session(user: AbstractUser, session_id: UUID) -> InterviewSession:
    return get_object_or_404(sessions_of(user), pk=session_id)


def _own_session_detail(user: AbstractUser, session_id: UUID | str) -> SessionDetail:
    try:
        return session_detail(session_id, user)
    except InterviewSession.DoesNotExist:
        raise Http404 from None


def _own_question(user: AbstractUser, question_id: UUID) -> Question:
    return get_object_or_404(Question, pk=question_id, session__owner=user)


def _operation_or_none(operation: Any) -> dict[str, Any] | None:
    return None if operation is None else OperationSerializer(operation).data
