"""Named refusals: what a verb raises when it will not do what was asked.

Each has a `code` for programs (contract: `NOT_RETRYABLE` …) and a `message` for the person; doors
turn them into a page, a problem document or an exit code.
"""

from __future__ import annotations

import math

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

TRY_IN_SECONDS = ngettext_lazy(
    "Too many tries. Please try again in %d second.",
    "Too many tries. Please try again in %d seconds.",
)
TRY_IN_MINUTES = ngettext_lazy(
    "Too many tries. Please try again in %d minute.",
    "Too many tries. Please try again in %d minutes.",
)


class Refusal(Exception):
    """Base of all refusals. `status_code` is what an HTTP door answers with, `retry_after_seconds`
    its Retry-After, where waiting helps."""

    code = "REFUSED"
    status_code = 409
    retry_after_seconds: int | None = None
    message: str | Promise = _("This is not possible now.")

    def __init__(self, message: str | Promise | None = None) -> None:
        if message is not None:
            self.message = message
        super().__init__(self.code)

    def __str__(self) -> str:
        return str(self.message)


class NotRetryable(Refusal):
    code = "NOT_RETRYABLE"
    message = _("Only a failed or cancelled operation can be tried again.")


class SubjectDeleted(NotRetryable):
    message = _("What this was about has been deleted: there is nothing left to work on.")


class NotCancellable(Refusal):
    code = "NOT_CANCELLABLE"
    message = _("This operation has already ended.")


class NotAcknowledgeable(Refusal):
    code = "NOT_ACKNOWLEDGEABLE"
    message = _("Only a failed operation can be acknowledged.")


class NotRescuable(Refusal):
    code = "NOT_RESCUABLE"
    message = _("Its worker is alive: the lease has not ended.")


class NothingToProbe(Refusal):
    code = "NOTHING_TO_PROBE"
    message = _("This credential is not paused: there is nothing to find out.")


class NoOwnKey(Refusal):
    code = "NO_API_KEY"
    message = _("You have not saved a key: there is nothing to check.")


class OperationInProgress(Refusal):
    """Another unfinished operation of this kind exists for the subject."""

    code = "IN_PROGRESS"
    message = _("This is already being worked on.")

    def __init__(self, existing_id: object = None) -> None:
        super().__init__()
        self.existing_id = existing_id


class TooManyOperations(Refusal):
    code = "TOO_MANY_OPERATIONS"
    status_code = 429
    message = _("Too many of your requests are still being worked on. Please wait for some to end.")


class BudgetReached(Refusal):
    """402: programs send a 429 again by themselves, and this one does not pass before the month."""

    code = "BUDGET_REACHED"
    status_code = 402
    message = _(
        "What may be spent on the AI here is used up for this month, so nothing more is asked of it"
        " now. It goes on with the next month, or at once with an API key of your own (in the"
        " settings)."
    )


class UserBudgetReached(BudgetReached):
    code = "USER_BUDGET_REACHED"
    message = _(
        "Your share of what may be spent on the AI here is used up for this month, so nothing more"
        " is asked of it now. It goes on with the next month, or at once with an API key of your"
        " own (in the settings)."
    )


class TooOften(Refusal):
    """A limit of `operations.limits`."""

    code = "THROTTLED"
    status_code = 429

    def __init__(self, wait_seconds: float) -> None:
        seconds = self.retry_after_seconds = max(1, math.ceil(wait_seconds))
        minutes = math.ceil(seconds / 60)
        super().__init__(TRY_IN_SECONDS % seconds if seconds < 60 else TRY_IN_MINUTES % minutes)


class OperationNotFound(Refusal):
    code = "NOT_FOUND"
    status_code = 404
    message = _("There is no such operation.")
