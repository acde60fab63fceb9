"""A practice as a Markdown file, for its owner to keep or to show to somebody.

What was written, by the person or by the AI, is quoted line by line: whatever stands in it, it
passes for no heading of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.utils import formats
from django.utils.translation import gettext as _

from interview_app.models import Feedback, InterviewSession, SessionSummary
from interview_app.queries import AnswerDetail, QuestionDetail, SessionDetail
from interview_app.rubric import criterion_name


def file_name(session: InterviewSession) -> str:
    """Without its ending. No word that somebody typed: it stands in a header."""
    return f"practice-{session.created_at:%Y-%m-%d}-{str(session.pk)[:8]}"


def session_markdown(detail: SessionDetail) -> str:
    """In the reader's language around the texts. Feedback is left out while the pages hold it
    back."""
    return "\n\n".join(_parts(detail)) + "\n"


def _parts(detail: SessionDetail) -> Iterator[str]:
    session = detail.session
    # Not inside of f-strings, where nobody would find the words to translate.
    yield "# " + _("Practice") + f" · {session.created_at:%Y-%m-%d}"
    yield _quoted(session.role)
    if detail.simulated:
        yield _("Simulated: no AI judged this.")
    if detail.summary is not None:
        yield from _summary(detail.summary)
    for question in detail.questions:
        yield from _question(question, with_feedback=session.shows_feedback)
    yield "## " + _("What this practice is based on")
    yield from _titled(_("The job posting"), session.job_description)
    yield from _titled(_("Your résumé"), session.resume_text)


def _summary(summary: SessionSummary) -> Iterator[str]:
    yield "## " + _("Summary") + _score(summary.overall)
    yield _quoted(summary.text)
    scores = [f"{each['competency']}{_score(each['score'])}" for each in summary.by_competency]
    yield from _titled(_("By competency"), "\n".join(scores))
    yield from _titled(_("Keep doing"), "\n".join(summary.strengths))
    yield from _titled(_("Habits to change"), "\n".join(summary.habits))
    yield from _titled(_("For next time"), summary.exercise)


def _question(detail: QuestionDetail, *, with_feedback: bool) -> Iterator[str]:
    number = _("Question %(number)d") % {"number": detail.question.number}
    yield f"## {number}"
    if detail.follows is not None:
        yield _("Follow-up to question %(number)d") % {"number": detail.follows}
    yield _quoted(detail.question.text)
    for answer in detail.answers:
        yield from _answer(answer, with_feedback=with_feedback)
    if detail.draft is not None:
        yield from _titled(_("Draft"), detail.draft.text)


def _answer(detail: AnswerDetail, *, with_feedback: bool) -> Iterator[str]:
    number = _("Answer %(number)d") % {"number": detail.answer.number}
    yield from _titled(number, detail.answer.text)
    if with_feedback and detail.feedback is not None:
        yield from _feedback(detail.feedback)


def _feedback(feedback: Feedback) -> Iterator[str]:
    yield "### " + _("Feedback") + _score(feedback.score)
    if feedback.score is None:
        yield _("Not scored")
    criteria = [
        f"{criterion_name(each)}{_score(each['score'])} · {each['reason']}"
        for each in feedback.criteria
    ]
    if criteria:
        yield _quoted("\n".join(criteria))
    yield from _titled(_("What works"), "\n".join(each["text"] for each in feedback.strengths))
    fixes = [f"{each['why']} {each['try_this']}" for each in feedback.fixes]
    yield from _titled(_("What to change"), "\n".join(fixes))
    yield from _titled(_("Your answer, put differently"), feedback.rewrite or "")


def _titled(title: str, text: str) -> Iterator[str]:
    """Nothing where there is no text."""
    if text.strip():
        yield f"### {title}"
        yield _quoted(text)


def _quoted(text: str) -> str:
    """Two blanks at the end of a line are a line break."""
    return "\n".join(f"> {line}  " for line in text.splitlines())


def _score(score: Decimal | float | None) -> str:
    return "" if score is None else f" · {formats.number_format(score, decimal_pos=1)} / 5"
