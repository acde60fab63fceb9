"""What the interview services refuse, by name. Doors turn these into a page or a problem document.

Bad field values are no refusals: services raise `django.core.exceptions.ValidationError` with the
field's name for those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from operations.refusals import Refusal

if TYPE_CHECKING:
    from interview_app.models import Draft


class SessionDeleted(Refusal):
    code = "NOT_FOUND"
    status_code = 404
    message = _("This practice was deleted meanwhile.")


class SessionFinished(Refusal):
    code = "SESSION_FINISHED"
    message = _("This practice is finished: no further answers can be added.")


class SessionNotReady(Refusal):
    code = "SESSION_NOT_READY"
    message = _("The questions of this practice are not ready yet.")


class DraftChanged(Refusal):
    code = "DRAFT_CHANGED"
    message = _(
        "Other words were saved for this question in another tab or on another device. Nothing was"
        " overwritten: please look at both."
    )

    def __init__(self, draft: Draft) -> None:
        """`draft`: the one that stays."""
        super().__init__()
        self.draft = draft


class TooManyAnswers(Refusal):
    code = "TOO_MANY_ANSWERS"
    message = _("This question has 20 answers already: more are not possible.")


class NotAnswered(Refusal):
    code = "NOT_ANSWERED"
    message = _("A follow-up is about your answer: please answer this question first.")


class TooManyFollowUps(Refusal):
    code = "TOO_MANY_FOLLOW_UPS"
    message = _("This practice has 10 follow-up questions already: more are not possible.")


class NothingToCompare(Refusal):
    code = "NOTHING_TO_COMPARE"
    message = _("A second opinion needs a first one: this answer has no score yet.")


class NothingMissing(Refusal):
    code = "NOTHING_MISSING"
    message = _("This practice has all its questions.")


class PlanClosed(Refusal):
    code = "PLAN_CLOSED"
    message = _("Questions can be changed only before the first answer.")


class LastQuestion(Refusal):
    code = "LAST_QUESTION"
    message = _("A practice has at least one question.")


class QuestionBegun(Refusal):
    code = "QUESTION_BEGUN"
    message = _("You have begun an answer to this question: please empty its draft first.")


class TooManyQuestions(Refusal):
    code = "TOO_MANY_QUESTIONS"
    message = _("This practice has 10 questions already: more are not possible.")


class TooManyStories(Refusal):
    code = "TOO_MANY_STORIES"
    message = _("Your library holds 200 entries already: please delete one first.")


class StoryTooLong(Refusal):
    code = "STORY_TOO_LONG"
    message = _(
        "Together with what you typed this is longer than an answer can be. What you typed is"
        " saved."
    )


class NothingToSummarise(Refusal):
    code = "NOTHING_TO_SUMMARISE"
    message = _("There is nothing to sum up yet: please answer at least one question first.")


class NotFinished(Refusal):
    code = "SESSION_NOT_FINISHED"
    message = _("Only a finished practice can be shown to somebody: please finish it first.")


class UnreadableFile(Refusal):
    code = "UNREADABLE_FILE"
    status_code = 422
    message = _("This file cannot be read. Please paste the text of your résumé instead.")


class FileTooLarge(Refusal):
    code = "FILE_TOO_LARGE"
    status_code = 413
    message = _("The file is too large: at most 5 MB are possible. Please paste the text instead.")


class TooManyPages(Refusal):
    code = "TOO_MANY_PAGES"
    status_code = 413
    message = _(
        "The file has too many pages: at most 40 are possible. Please leave some out or paste the"
        " text."
    )


class ParserBusy(Refusal):
    code = "PARSER_BUSY"
    status_code = 503
    retry_after_seconds = 3
    message = _("Many files are being read just now. Please send yours again in a few seconds.")


class HashingBusy(Refusal):
    code = "HASHING_BUSY"
    status_code = 503
    retry_after_seconds = 2
    message = _("Many people are signing in just now. Please try again in a few seconds.")


class MailBusy(Refusal):
    code = "MAIL_BUSY"
    status_code = 503
    retry_after_seconds = 30
    message = _("Many mails are being sent just now. Please try again in half a minute.")


class UnsupportedFileType(Refusal):
    code = "UNSUPPORTED_FILE_TYPE"
    status_code = 415
    message = _(
        "This kind of file cannot be read. Please choose a PDF, .docx, .odt, .rtf, .html, .md or"
        " .txt file, or paste the text."
    )
