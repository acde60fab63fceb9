"""A person's own objects. Somebody else's do not exist: 404, never 403."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from interview_app.models import Answer, InterviewSession, Question
from interview_app.queries import QuestionDetail, SessionDetail, session_detail
from operations.models import Operation


def signed_in_user(request: HttpRequest) -> User:
    """The user behind `login_required`."""
    return cast(User, request.user)


def own_session(
    request: HttpRequest, session_id: UUID, *, with_answer_texts: bool = False
) -> SessionDetail:
    owner = signed_in_user(request)
    try:
        return session_detail(session_id, owner, with_answer_texts=with_answer_texts)
    except InterviewSession.DoesNotExist:
        raise Http404 from None


def own_question(request: HttpRequest, question_id: UUID) -> tuple[SessionDetail, QuestionDetail]:
    question = get_object_or_404(
        Question.objects.only("session_id"), pk=question_id, session__owner=signed_in_user(request)
    )
    detail = own_session(request, question.session_id, with_answer_texts=True)
    for each in detail.questions:
        if each.question.pk == question_id:
            return detail, each
    raise Http404


def own_answer(request: HttpRequest, answer_id: UUID) -> Answer:
    owner = signed_in_user(request)
    return get_object_or_404(
        Answer.objects.select_related("question"), pk=answer_id, question__session__owner=owner
    )


def own_operation(request: HttpRequest, operation_id: UUID) -> Operation:
    return get_object_or_404(Operation, pk=operation_id, owner=signed_in_user(request))
