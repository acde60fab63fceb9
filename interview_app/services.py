"""What a person does with an interview: start, answer, finish, delete; and keep a résumé.

Every verb commits the data and the operation it asks for in one transaction, so that nothing is
sent to a provider that is not stored, and nothing is stored that nobody works on. Called again with
the same form key it changes nothing and returns what the first call made. Bad values raise
`ValidationError` under the field's name; the rest of what is refused is in `refusals`.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, transaction
from django.utils import timezone

from interview_app.models import (
    ANSWER_MAX_LENGTH,
    MAX_ANSWERS,
    MAX_QUESTIONS,
    POSTING_MAX_LENGTH,
    RESUME_MAX_LENGTH,
    ROLE_MAX_LENGTH,
    Answer,
    Draft,
    Feedback,
    InterviewSession,
    InterviewType,
    JobPosting,
    Language,
    Mode,
    Question,
    Resume,
    Seniority,
)
from interview_app.queries import (
    FEEDBACK_ANALYSIS,
    QUESTION_GENERATION,
    SESSION_SUMMARY,
    newest_operation,
)
from interview_app.refusals import (
    NothingToSummarise,
    SessionFinished,
    SessionNotReady,
    TooManyAnswers,
)
from interview_app.scorability import not_scorable_reason
from interview_app.validation import check_choice, check_number, check_text
from operations.models import Operation
from operations.services import (
    cancel_session_operations,
    complete_without_call,
    submit_operation,
)


def start_session(
    *,
    owner: AbstractUser,
    role: str = "",
    job_description: str = "",
    job_posting: JobPosting | None = None,
    seniority: str | None = None,
    question_count: int = 5,
    interview_type: str = InterviewType.MIXED,
    mode: str = Mode.PRACTICE,
    language: str | None = None,
    resume_text: str | None = None,
    form_key: UUID | None = None,
    door: str = "page",
) -> tuple[InterviewSession, Operation]:
    """A new session and the operation that writes its questions.

    What is not given is copied from `job_posting`; `resume_text` None means the stored résumé.
    The same (owner, form_key) returns the first call's session, also when the calls race.
    """
    if form_key and (started := _started_session(owner, form_key)):
        return started
    session = _checked_session(
        InterviewSession(
            owner_id=owner.pk,
            job_posting=job_posting,
            role=role.strip() or (job_posting.title if job_posting else ""),
            job_description=job_description or (job_posting.description if job_posting else ""),
            seniority=seniority
            or (job_posting.experience_level if job_posting else "")
            or Seniority.MID,
            question_count=question_count,
            interview_type=interview_type,
            mode=mode,
            language=language or (job_posting.language if job_posting else Language.ENGLISH),
            resume_text=_stored_resume_text(owner) if resume_text is None else resume_text,
            form_key=form_key,
        )
    )
    try:
        with transaction.atomic():
            session.save(force_insert=True)
            return session, _submit(QUESTION_GENERATION, "session", session.pk, session, door)
    except IntegrityError:
        # Another click with this key was faster; its commit is what made ours fail.
        if form_key and (started := _started_session(owner, form_key)):
            return started
        raise


def save_answer(
    *,
    question: Question,
    text: str,
    insist: bool = False,
    form_key: UUID | None = None,
    door: str = "page",
) -> tuple[Answer, Operation]:
    """A further answer to the question, word for word, and the operation that analyses it.

    An answer that code can tell is not scorable costs no call, unless the person insists. Raises
    SessionFinished once the end was asked for, TooManyAnswers after the twentieth.
    """
    check_text("text", text, max_length=ANSWER_MAX_LENGTH, required=True)
    with transaction.atomic():
        session = _locked_session(question.session_id)
        if form_key and (saved := _saved_answer(question, form_key)):
            return saved
        _refuse_if_finished(session)
        answer = _add_answer(question, text, form_key)
        Draft.objects.filter(question=question).delete()
        reason = None if insist else not_scorable_reason(text)
        if reason is None:
            return answer, _submit(FEEDBACK_ANALYSIS, "answer", answer.pk, session, door)
        return answer, _complete_as_not_scored(answer, reason, session, door)


def save_draft(*, question: Question, text: str) -> Draft:
    """Replaces the question's draft. Raises SessionFinished once the end was asked for."""
    check_text("text", text, max_length=ANSWER_MAX_LENGTH)
    with transaction.atomic():
        _refuse_if_finished(_locked_session(question.session_id))
        draft, _ = Draft.objects.update_or_create(question=question, defaults={"text": text})
    return draft


def finish_session(*, session: InterviewSession, door: str = "page") -> Operation:
    """The operation that writes the summary; a second call returns the same one.

    Works while analyses are missing. Raises SessionNotReady without questions, NothingToSummarise
    without any answer.
    """
    with transaction.atomic():
        locked = _locked_session(session.pk)
        if locked.finish_requested_at is not None and (
            operation := newest_operation(SESSION_SUMMARY, "session", locked.pk)
        ):
            return operation
        _refuse_if_nothing_to_summarise(locked)
        locked.finish_requested_at = timezone.now()
        locked.save(update_fields=["finish_requested_at"])
        session.finish_requested_at = locked.finish_requested_at
        return _submit(SESSION_SUMMARY, "session", locked.pk, locked, door)


def delete_session(
    *, session: InterviewSession, actor: AbstractUser | None, door: str = "page"
) -> None:
    """Deletes all that was written in it and cancels its unfinished operations; their rows stay,
    with counts and codes only. The result of a call that is running is dropped."""
    with transaction.atomic():
        cancel_session_operations(session_id=session.pk, actor=actor, door=door)
        InterviewSession.objects.filter(pk=session.pk).delete()


def save_resume(*, owner: AbstractUser, text: str, source: str = "text") -> Resume:
    """Replaces the stored résumé. Sessions keep the one they began with."""
    check_text("text", text, max_length=RESUME_MAX_LENGTH, required=True)
    resume, _ = Resume.objects.update_or_create(
        owner_id=owner.pk, defaults={"text": text, "source": source}
    )
    return resume


def delete_resume(*, owner: AbstractUser) -> None:
    Resume.objects.filter(owner_id=owner.pk).delete()


def _started_session(
    owner: AbstractUser, form_key: UUID
) -> tuple[InterviewSession, Operation] | None:
    session = InterviewSession.objects.filter(owner_id=owner.pk, form_key=form_key).first()
    if session is None:
        return None
    return session, _operation_of(QUESTION_GENERATION, "session", session.pk)


def _checked_session(session: InterviewSession) -> InterviewSession:
    check_text("role", session.role, max_length=ROLE_MAX_LENGTH, required=True)
    check_text("job_description", session.job_description, max_length=POSTING_MAX_LENGTH)
    check_text("resume_text", session.resume_text, max_length=RESUME_MAX_LENGTH)
    check_number("question_count", session.question_count, low=1, high=MAX_QUESTIONS)
    check_choice("seniority", session.seniority, Seniority.values)
    check_choice("interview_type", session.interview_type, InterviewType.values)
    check_choice("mode", session.mode, Mode.values)
    check_choice("language", session.language, Language.values)
    return session


def _stored_resume_text(owner: AbstractUser) -> str:
    return Resume.objects.filter(owner_id=owner.pk).values_list("text", flat=True).first() or ""


def _locked_session(session_id: UUID) -> InterviewSession:
    # The lock puts answers, drafts and the finish of one session in a row: numbers are given once,
    # and no answer slips in after the end. On SQLite the write transaction itself is that lock.
    return (
        InterviewSession.objects.select_for_update(of=("self",), no_key=True)
        .select_related("owner")
        .get(pk=session_id)
    )


def _saved_answer(question: Question, form_key: UUID) -> tuple[Answer, Operation] | None:
    answer = Answer.objects.filter(question=question, form_key=form_key).first()
    if answer is None:
        return None
    return answer, _operation_of(FEEDBACK_ANALYSIS, "answer", answer.pk)


def _refuse_if_finished(session: InterviewSession) -> None:
    if session.finish_requested_at is not None:
        raise SessionFinished


def _add_answer(question: Question, text: str, form_key: UUID | None) -> Answer:
    last = Answer.objects.filter(question=question).order_by("-number").first()
    if last and last.number >= MAX_ANSWERS:
        raise TooManyAnswers
    return Answer.objects.create(
        question=question, number=last.number + 1 if last else 1, text=text, form_key=form_key
    )


def _complete_as_not_scored(
    answer: Answer, reason: str, session: InterviewSession, door: str
) -> Operation:
    operation = complete_without_call(
        kind=FEEDBACK_ANALYSIS,
        subject_type="answer",
        subject_id=answer.pk,
        session_id=session.pk,
        owner=session.owner,
        door=door,
    )
    Feedback.objects.create(answer=answer, operation=operation, not_scored_reason=reason)
    return operation


def _refuse_if_nothing_to_summarise(session: InterviewSession) -> None:
    if not session.questions.exists():
        raise SessionNotReady
    if not Answer.objects.filter(question__session=session).exists():
        raise NothingToSummarise


def _submit(
    kind: str, subject_type: str, subject_id: UUID, session: InterviewSession, door: str
) -> Operation:
    return submit_operation(
        kind=kind,
        subject_type=subject_type,
        subject_id=subject_id,
        session_id=session.pk,
        owner=session.owner,
        door=door,
    )


def _operation_of(kind: str, subject_type: str, subject_id: UUID) -> Operation:
    operation = newest_operation(kind, subject_type, subject_id)
    if operation is None:
        # Rows and their operation are committed together; only pruning can part them.
        raise Operation.DoesNotExist
    return operation
