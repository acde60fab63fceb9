"""What a person does with an interview: start, answer, finish, repeat, delete; and keep a résumé.

Every verb commits the data and the operation it asks for in one transaction, so that nothing is
sent to a provider that is not stored, and nothing is stored that nobody works on. Called again with
the same form key it changes nothing and returns what the first call made. Bad values raise
`ValidationError` under the field's name; the rest of what is refused is in `refusals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser, User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.functional import Promise

from interview_app.delivery import Spoken
from interview_app.drafts import Tab, would_lose
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
    QuestionTimer,
    Resume,
    Seniority,
)
from interview_app.outline.entry import (
    FIELD_MAX_LENGTH,
    FIELDS,
    MAX_ENTRIES,
    SECTIONS,
    Entry,
    Row,
    as_rows,
)
from interview_app.outline.rules import entries_of
from interview_app.own_rubrics import judged_by, version_in_use
from interview_app.queries import (
    FEEDBACK_ANALYSIS,
    MISSING,
    QUESTION_GENERATION,
    SESSION_SUMMARY,
    newest_operation,
)
from interview_app.reading.gate import is_link
from interview_app.refusals import (
    DraftChanged,
    NothingMissing,
    NothingToSummarise,
    SessionDeleted,
    SessionFinished,
    SessionNotReady,
    TooManyAnswers,
)
from interview_app.resume_files import ReadFile, read_resume, text_warnings
from interview_app.resume_texts import LINK_INSTEAD_OF_POSTING, LINK_INSTEAD_OF_RESUME
from interview_app.rubric import rubric_for
from interview_app.same_answer import feedback_of_the_same
from interview_app.scorability import not_scorable_reason
from interview_app.timers import stop_timers
from interview_app.validation import check_choice, check_number, check_text, field_error
from operations import limits
from operations.database.written_once import Place, WrittenOnce
from operations.kinds import MODEL_PARAMETER
from operations.limits.rules import UPLOAD, of_person
from operations.models import Door, Operation
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
    retake_of: InterviewSession | None = None,
    form_key: UUID | None = None,
    door: str = Door.PAGE,
) -> tuple[InterviewSession, Operation]:
    """A new session and the operation that writes its questions.

    What is not given is copied from `job_posting`; `resume_text` None means the stored résumé.
    The same (owner, form_key) returns the first call's session, also when the calls race.
    """
    if form_key and (started := _started_session(owner, form_key)):
        return started
    session = _checked_session(
        InterviewSession(
            owner=owner,  # type: ignore[misc]
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
            **_resume_snapshot(owner, resume_text, retake_of),
            retake_of=retake_of,
            attempt_number=retake_of.attempt_number + 1 if retake_of else 1,
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


def ask_missing_questions(*, session: InterviewSession, door: str = Door.PAGE) -> Operation:
    """The operation that writes the questions which the reply did not bring, or the one that is at
    it. Raises SessionNotReady before there are any, NothingMissing where none is missing,
    SessionFinished once the end was asked for."""
    with transaction.atomic():
        session = locked_session(session.pk)
        refuse_if_finished(session)
        asked = session.questions.filter(follow_up_to=None).count()
        if not asked:
            raise SessionNotReady
        newest = newest_operation(QUESTION_GENERATION, "session", session.pk)
        if newest is not None and not newest.is_final:
            return newest
        if asked >= session.question_count:
            raise NothingMissing
        return _submit(
            QUESTION_GENERATION, "session", session.pk, session, door, parameters={MISSING: True}
        )


@transaction.atomic
def retake_session(
    *, session: InterviewSession, form_key: UUID | None = None, door: str = Door.PAGE
) -> tuple[InterviewSession, Operation]:
    """The same interview once more, with new questions: posting, résumé and choices are those that
    the session kept."""
    earlier = locked_session(session.pk)
    return start_session(
        owner=earlier.owner,
        role=earlier.role,
        job_description=earlier.job_description,
        job_posting=earlier.job_posting,
        seniority=earlier.seniority,
        question_count=earlier.question_count,
        interview_type=earlier.interview_type,
        mode=earlier.mode,
        language=earlier.language,
        resume_text=earlier.resume_text,
        retake_of=earlier,
        form_key=form_key,
        door=door,
    )


def save_answer(
    *,
    question: Question,
    text: str,
    insist: bool = False,
    model: str = "",
    form_key: UUID | None = None,
    tab: Tab | None = None,
    spoken: Spoken | None = None,
    door: str = Door.PAGE,
) -> tuple[Answer, Operation]:
    """A further answer to the question, word for word, and the operation that analyses it.

    An answer that code can tell is not scorable costs no call, unless the person insists; nor does
    one that was judged before (`same_answer`). Where a budget is used up the answer is saved, and
    its analysis fails at once and says so. `model`: another one than the usual, until a retry.
    `tab`: where it was typed; a draft that another tab saved since stays. Raises SessionFinished
    once the end was asked for, TooManyAnswers after the twentieth.
    """
    check_text("text", text, max_length=ANSWER_MAX_LENGTH, required=True)
    with transaction.atomic():
        session = locked_session(question.session_id)
        if form_key and (saved := _saved_answer(question, form_key)):
            return saved
        refuse_if_finished(session)
        question.session = session
        answer = _add_answer(question, text, form_key, spoken)
        _use_up_draft(question, text, tab)
        if session.mode == Mode.REAL:
            stop_timers(QuestionTimer.objects.filter(question=question), now=timezone.now())
        if not insist and (reason := not_scorable_reason(text)):
            unscored = Feedback(answer=answer, not_scored_reason=reason)
            return answer, _complete_with(unscored, session, door)
        rubric = version_in_use(question.type) or rubric_for(question.type).version
        if not model and (earlier := feedback_of_the_same(answer, rubric_version=rubric)):
            return answer, _complete_with(_copied(earlier, answer), session, door)
        asked = judged_by(rubric) | ({MODEL_PARAMETER: model} if model else {})
        return answer, _submit(
            FEEDBACK_ANALYSIS, "answer", answer.pk, session, door, asked, keep_what_it_is_about=True
        )


def save_draft(*, question: Question, text: str, tab: Tab | None = None) -> Draft:
    """Replaces the question's draft. Raises SessionFinished once the end was asked for,
    DraftChanged where another tab than this one saved other words since."""
    check_text("text", text, max_length=ANSWER_MAX_LENGTH)
    with transaction.atomic():
        refuse_if_finished(locked_session(question.session_id))
        stored = Draft.objects.filter(question=question).first()
        if stored and would_lose(stored, text, tab):
            raise DraftChanged(stored)
        draft = stored or Draft(question=question)
        draft.text, draft.form_key = text, tab.key if tab else None
        draft.save()
    return draft


def finish_session(*, session: InterviewSession, door: str = Door.PAGE) -> Operation:
    """The operation that writes the summary; a second call returns the same one.

    Works while analyses are missing. Raises SessionNotReady without questions, NothingToSummarise
    without any answer.
    """
    with transaction.atomic():
        locked = locked_session(session.pk)
        if locked.finish_requested_at is not None and (
            operation := newest_operation(SESSION_SUMMARY, "session", locked.pk)
        ):
            return operation
        _refuse_if_nothing_to_summarise(locked)
        locked.finish_requested_at = timezone.now()
        locked.save(update_fields=["finish_requested_at"])
        timers = QuestionTimer.objects.filter(question__session=locked)
        stop_timers(timers, now=locked.finish_requested_at)
        session.finish_requested_at = locked.finish_requested_at
        return _submit(SESSION_SUMMARY, "session", locked.pk, locked, door)


def delete_session(
    *, session: InterviewSession, actor: AbstractUser | None, door: str = Door.PAGE
) -> None:
    """Deletes all that was written in it and cancels its unfinished operations; their rows stay,
    with counts and codes only. The result of a call that is running is dropped."""
    with transaction.atomic():
        cancel_session_operations(session_id=session.pk, actor=actor, door=door)
        InterviewSession.objects.filter(pk=session.pk).delete()


def save_resume(
    *,
    owner: AbstractUser,
    text: str,
    source: str = "text",
    warnings: Sequence[str] | None = None,
    entries: Sequence[Row] | None = None,
) -> Resume:
    """Replaces the stored résumé. Sessions keep the one they began with.

    `warnings` and `entries` are those of the file that was read; None lets the text speak for
    itself.
    """
    check_text("text", text, max_length=RESUME_MAX_LENGTH, required=True)
    _refuse_link("text", text, LINK_INSTEAD_OF_RESUME)
    seen = text_warnings(text) if warnings is None else list(warnings)
    resume, _ = Resume.objects.update_or_create(
        owner_id=owner.pk,
        defaults={
            "text": text,
            "source": source,
            "warnings": seen,
            "entries": as_rows(entries_of(text)) if entries is None else list(entries),
        },
    )
    return resume


def correct_resume_entries(*, owner: AbstractUser, entries: Sequence[Row]) -> Resume:
    """What the person says the résumé holds, in place of what was found; its text stays.

    Raises Resume.DoesNotExist where none is stored, ValidationError where an entry is not one.
    """
    rows = _checked_entries(entries)
    with transaction.atomic():
        resume = Resume.objects.select_for_update().get(owner_id=owner.pk)
        resume.entries = rows
        resume.save(update_fields=["entries", "updated_at"])
    return resume


def read_upload(*, owner: AbstractUser, name: str, data: bytes) -> ReadFile:
    """What a file holds. Raises what `read_resume` does, and `TooOften`."""
    limits.reserve(limits.bucket(UPLOAD, account=of_person(owner)))
    return read_resume(name, data)


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
    _refuse_link("job_description", session.job_description, LINK_INSTEAD_OF_POSTING)
    _refuse_link("resume_text", session.resume_text, LINK_INSTEAD_OF_RESUME)
    check_number("question_count", session.question_count, low=1, high=MAX_QUESTIONS)
    check_choice("seniority", session.seniority, Seniority.values)
    check_choice("interview_type", session.interview_type, InterviewType.values)
    check_choice("mode", session.mode, Mode.values)
    check_choice("language", session.language, Language.values)
    return session


def _refuse_link(field: str, text: str, sentence: Promise) -> None:
    if is_link(text):
        raise field_error(field, "link_only", str(sentence))


def _checked_entries(entries: Sequence[Row]) -> list[dict[str, str]]:
    """Those that say something; of their fields those that are known."""
    check_number("entries", len(entries), low=0, high=MAX_ENTRIES)
    for entry in entries:
        check_choice("entries", entry["section"], SECTIONS)
        for name in FIELDS:
            check_text("entries", entry.get(name, ""), max_length=FIELD_MAX_LENGTH)
    return as_rows(
        Entry(each["section"], *(each.get(name, "") for name in FIELDS)) for each in entries
    )


def _resume_snapshot(
    owner: AbstractUser, text: str | None, retake_of: InterviewSession | None
) -> dict[str, Any]:
    """The text (None: the stored one) and its entries: as corrected, where the text is the same."""
    if retake_of is not None and text == retake_of.resume_text:
        return {"resume_text": text, "resume_entries": retake_of.resume_entries}
    stored = _RESUME.first(owner=owner.pk)
    if stored and text in (None, stored.text, stored.text.replace("\r\n", "\n")):
        return {"resume_text": text or stored.text, "resume_entries": stored.entries}
    return {"resume_text": text or "", "resume_entries": as_rows(entries_of(text or ""))}


_RESUME = WrittenOnce(lambda: Resume.objects.filter(owner=Place("owner", User._meta.pk)))


def locked_session(session_id: UUID) -> InterviewSession:
    """As it is now, for whoever adds to it in this transaction. Raises SessionDeleted."""
    # The lock puts answers, drafts and the finish of one session in a row: numbers are given once,
    # and no answer slips in after the end. On SQLite the write transaction itself is that lock.
    sessions = InterviewSession.objects.select_for_update(of=("self",), no_key=True)
    session = sessions.select_related("owner").filter(pk=session_id).first()
    if session is None:
        raise SessionDeleted
    return session


def _saved_answer(question: Question, form_key: UUID) -> tuple[Answer, Operation] | None:
    answer = Answer.objects.filter(question=question, form_key=form_key).first()
    if answer is None:
        return None
    return answer, _operation_of(FEEDBACK_ANALYSIS, "answer", answer.pk)


def refuse_if_finished(session: InterviewSession) -> None:
    """Raises SessionFinished once the end was asked for."""
    if session.finish_requested_at is not None:
        raise SessionFinished


def _add_answer(
    question: Question, text: str, form_key: UUID | None, spoken: Spoken | None
) -> Answer:
    last = Answer.objects.filter(question=question).order_by("-number").first()
    if last and last.number >= MAX_ANSWERS:
        raise TooManyAnswers
    return Answer.objects.create(
        question=question,
        number=last.number + 1 if last else 1,
        text=text,
        form_key=form_key,
        spoken_seconds=spoken.seconds if spoken else None,
        spoken_words=spoken.words if spoken else None,
    )


def _use_up_draft(question: Question, text: str, tab: Tab | None) -> None:
    draft = Draft.objects.filter(question=question).first()
    if draft and not would_lose(draft, text, tab):
        draft.delete()


def _copied(earlier: Feedback, answer: Answer) -> Feedback:
    names = (each.attname for each in Feedback._meta.concrete_fields)
    own = {"id", "answer_id", "operation_id", "reused", "created_at"}
    values = {name: getattr(earlier, name) for name in names if name not in own}
    return Feedback(answer=answer, reused=True, **values)


def _complete_with(feedback: Feedback, session: InterviewSession, door: str) -> Operation:
    """The operation that needed no call, with its result."""
    operation = complete_without_call(
        kind=FEEDBACK_ANALYSIS,
        subject_type="answer",
        subject_id=feedback.answer_id,
        session_id=session.pk,
        owner=session.owner,
        door=door,
    )
    feedback.operation = operation
    feedback.save(force_insert=True)
    return operation


def _refuse_if_nothing_to_summarise(session: InterviewSession) -> None:
    if not session.questions.exists():
        raise SessionNotReady
    if not Answer.objects.filter(question__session=session).exists():
        raise NothingToSummarise


def _submit(
    kind: str,
    subject_type: str,
    subject_id: UUID,
    session: InterviewSession,
    door: str,
    parameters: dict[str, Any] | None = None,
    *,
    keep_what_it_is_about: bool = False,
) -> Operation:
    return submit_operation(
        kind=kind,
        subject_type=subject_type,
        subject_id=subject_id,
        session_id=session.pk,
        owner=session.owner,
        door=door,
        parameters=parameters or {},
        keep_what_it_is_about=keep_what_it_is_about,
    )


def _operation_of(kind: str, subject_type: str, subject_id: UUID) -> Operation:
    operation = newest_operation(kind, subject_type, subject_id)
    if operation is None:
        # Rows and their operation are committed together; only pruning can part them.
        raise Operation.DoesNotExist
    return operation
