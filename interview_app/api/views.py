"""The interview over HTTP. Every object is its owner's alone: anybody else gets 404, staff too."""

from __future__ import annotations

from dataclasses import asdict
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
    ProgressSerializer,
    ResumeEntriesInput,
    ResumeFileInput,
    ResumeInput,
    ResumeSerializer,
    SessionInput,
    SessionSerializer,
    estimate_data,
    session_data,
)
from interview_app.follow_ups import ask_follow_up
from interview_app.models import Answer, InterviewSession, JobPosting, Question, Resume
from interview_app.practice_cost import practice_estimate
from interview_app.progress import progress_of
from interview_app.queries import (
    FEEDBACK_ANALYSIS,
    SessionDetail,
    begun_detail,
    newest_operation,
    session_detail,
    session_details,
    sessions_of,
)
from interview_app.second_opinions import ask_second_opinion
from interview_app.services import (
    ask_missing_questions,
    correct_resume_entries,
    delete_resume,
    delete_session,
    finish_session,
    read_upload,
    retake_session,
    save_answer,
    save_draft,
    save_resume,
    start_session,
)
from operations.api.door import ApiView
from operations.api.idempotency import CreatesOnce
from operations.api.parsers import BoundedJSONParser
from operations.api.serializers import data_of
from operations.api.views import operation_data
from operations.models import Door, Operation


class ResumeView(ApiView):
    parser_classes = (BoundedJSONParser, MultiPartParser)

    def get(self, request: Request) -> Response:
        resume = get_object_or_404(Resume, owner=self.person)
        return Response(ResumeSerializer(resume).data)

    def put(self, request: Request) -> Response:
        resume = save_resume(owner=self.person, **_sent_resume(request, self.person))
        return Response(ResumeSerializer(resume).data)

    def patch(self, request: Request) -> Response:
        get_object_or_404(Resume, owner=self.person)
        body = ResumeEntriesInput(data=request.data)
        body.is_valid(raise_exception=True)
        resume = correct_resume_entries(owner=self.person, **body.validated_data)
        return Response(ResumeSerializer(resume).data)

    def delete(self, request: Request) -> Response:
        delete_resume(owner=self.person)
        return Response(status=204)


class JobPostingList(ListModelMixin, CreatesOnce):
    serializer_class = JobPostingSerializer
    location = "api-job-posting"

    def get_queryset(self) -> QuerySet[JobPosting]:
        return JobPosting.objects.filter(owner_id=self.person.pk)

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
        return JobPosting.objects.filter(owner_id=self.person.pk)

    def get(self, request: Request, pk: UUID) -> Response:
        return self.retrieve(request)

    def put(self, request: Request, pk: UUID) -> Response:
        return self.update(request)

    def patch(self, request: Request, pk: UUID) -> Response:
        return self.partial_update(request)

    def delete(self, request: Request, pk: UUID) -> Response:
        return self.destroy(request)


class MakesSession(CreatesOnce):
    location = "api-session"
    begun: tuple[InterviewSession, Operation] | None = None
    """What this request made, if it did."""

    def rebuild(self, request: Request, object_id: str) -> Any:
        detail = begun_detail(*self.begun) if self.begun else None
        detail = detail or own_session_detail(self.person, object_id)
        data = session_data(detail)
        data["operation"] = _operation_or_none(detail.generation)
        data["estimate"] = estimate_data(practice_estimate(detail.session.question_count))
        return data


class SessionList(MakesSession):
    def get_queryset(self) -> QuerySet[InterviewSession]:
        return sessions_of(self.person).select_related("summary")

    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        details = session_details(page or [])
        return self.get_paginated_response(SessionSerializer(details, many=True).data)

    def make(self, request: Request, **ids: UUID) -> UUID:
        body = SessionInput(data=request.data, context={"request": request})
        body.is_valid(raise_exception=True)
        self.begun = start_session(owner=self.person, door=Door.API, **body.validated_data)
        return self.begun[0].pk


class SessionRetake(MakesSession):
    def make(self, request: Request, **ids: UUID) -> UUID:
        earlier = own_session(self.person, ids["pk"])
        self.begun = retake_session(session=earlier, door=Door.API)
        return self.begun[0].pk


class SessionView(ApiView):
    def get(self, request: Request, pk: UUID) -> Response:
        detail = own_session_detail(self.person, pk)
        return Response(session_data(detail))

    def delete(self, request: Request, pk: UUID) -> Response:
        delete_session(session=own_session(self.person, pk), actor=self.person, door=Door.API)
        return Response(status=204)


class SessionQuestions(CreatesOnce):
    """Asks for the questions that a reply did not bring."""

    made_status = 202
    location = "api-operation"

    def make(self, request: Request, **ids: UUID) -> UUID:
        return ask_missing_questions(session=own_session(self.person, ids["pk"]), door=Door.API).pk

    def rebuild(self, request: Request, object_id: str) -> Any:
        return operation_data(self.person, object_id)


class SessionFinish(CreatesOnce):
    made_status = 202
    location = "api-operation"

    def make(self, request: Request, **ids: UUID) -> UUID:
        return finish_session(session=own_session(self.person, ids["pk"]), door=Door.API).pk

    def rebuild(self, request: Request, object_id: str) -> Any:
        return operation_data(self.person, object_id)


class Progress(ApiView):
    def get(self, request: Request) -> Response:
        competencies = [
            {"competency": competency, "points": points}
            for competency, points in progress_of(self.person).points.items()
        ]
        return Response(ProgressSerializer({"competencies": competencies}).data)


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
        answer, _ = save_answer(question=question, door=Door.API, **body.validated_data)
        return answer.pk

    def rebuild(self, request: Request, object_id: str) -> Any:
        own = Answer.objects.filter(question__session__owner=self.person)
        answer = get_object_or_404(own, pk=object_id)
        operation = newest_operation(FEEDBACK_ANALYSIS, "answer", answer.pk)
        return {
            "answer": AnswerSerializer(answer).data,
            "operation": _operation_or_none(operation),
        }


class QuestionFollowUp(CreatesOnce):
    """Asks for a further question about the newest answer."""

    made_status = 202
    location = "api-operation"

    def make(self, request: Request, **ids: UUID) -> UUID:
        return ask_follow_up(question=_own_question(self.person, ids["pk"]), door=Door.API).pk

    def rebuild(self, request: Request, object_id: str) -> Any:
        return operation_data(self.person, object_id)


class QuestionSecondOpinion(CreatesOnce):
    """Has the newest answer judged once more."""

    made_status = 202
    location = "api-operation"

    def make(self, request: Request, **ids: UUID) -> UUID:
        question = _own_question(self.person, ids["pk"])
        return ask_second_opinion(question=question, door=Door.API).pk

    def rebuild(self, request: Request, object_id: str) -> Any:
        return operation_data(self.person, object_id)


def _sent_resume(request: Request, person: AbstractUser) -> dict[str, Any]:
    """The text, where it came from and what was seen: a file's where one was sent."""
    if "file" not in request.FILES:
        body = ResumeInput(data=request.data)
        body.is_valid(raise_exception=True)
        return {"text": body.validated_data["text"]}
    upload = ResumeFileInput(data=request.data)
    upload.is_valid(raise_exception=True)
    file = upload.validated_data["file"]
    return asdict(read_upload(owner=person, name=file.name, data=file.read()))


def own_session(user: AbstractUser, session_id: UUID) -> InterviewSession:
    return get_object_or_404(sessions_of(user), pk=session_id)


def own_session_detail(user: AbstractUser, session_id: UUID | str) -> SessionDetail:
    try:
        return session_detail(session_id, user)
    except InterviewSession.DoesNotExist:
        raise Http404 from None


def _own_question(user: AbstractUser, question_id: UUID) -> Question:
    return get_object_or_404(Question, pk=question_id, session__owner=user)


def _operation_or_none(operation: Any) -> dict[str, Any] | None:
    return None if operation is None else data_of(operation)
