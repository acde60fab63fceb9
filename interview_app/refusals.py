"""What the interview services refuse, by name. Doors turn these into a page or a problem document.

Bad field values are no refusals: services raise `django.core.exceptions.ValidationError` with the
field's name for those.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from operations.refusals import Refusal


class SessionFinished(Refusal):
    code = "SESSION_FINISHED"
    message = _("This practice is finished: no further answers can be added.")


class SessionNotReady(Refusal):
    code = "SESSION_NOT_READY"
    message = _("The questions of this practice are not ready yet.")


class TooManyAnswers(Refusal):
    code = "TOO_MANY_ANSWERS"
    message = _("This question has 20 answers already: more are not possible.")


class NothingToSummarise(Refusal):
    code = "NOTHING_TO_SUMMARISE"
    message = _("There is nothing to sum up yet: please answer at least one question first.")


class UnreadableFile(Refusal):
    code = "UNREADABLE_FILE"
    status_code = 422
    message = _("This file cannot be read. Please paste the text of your résumé instead.")


class FileTooLarge(Refusal):
    code = "FILE_TOO_LARGE"
    status_code = 413
    message = _("The file is too large: at most 5 MB and 20 pages are possible.")


class ParserBusy(Refusal):
    code = "PARSER_BUSY"
    status_code = 503
    retry_after_seconds = 3
    message = _("Many files are being read just now. Please send yours again in a few seconds.")


class UnsupportedFileType(Refusal):
    code = "UNSUPPORTED_FILE_TYPE"
    status_code = 415
    message = _("Only .txt, .pdf and .docx files can be read.")
