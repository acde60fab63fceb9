"""What a person reads about each error code.

Four parts make a message: what happened, that nothing is lost, what happens next, what the person
can do. `happened` is a clause without capital or full stop: it follows a lead-in such as "We could
not prepare your questions:". Texts speak of "the administrator" where the installation's key is
used and of "your key" where it is the person's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.functional import lazystr
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

NOTHING: _StrPromise = lazystr("")

SAVED = _("Everything you wrote is saved.")


@dataclass(frozen=True)
class Text:
    """The parts of one code's message. An empty own-key part: the same as without an own key."""

    happened: _StrPromise
    next_step: _StrPromise
    action: _StrPromise
    own_happened: _StrPromise = NOTHING
    own_next_step: _StrPromise = NOTHING
    own_action: _StrPromise = NOTHING


TRIES_USED_UP = _("The automatic tries are used up.")
TRY_IN_A_FEW_MINUTES = _("Try again in a few minutes.")
TRY_AGAIN = _("Try again: the next answer may well be a good one.")
NOT_TRIED_AGAIN_BY_ITSELF = _("It is not tried again by itself.")
ADMIN_TOLD = _("The administrator has been told.")
ADMIN_TOLD_AND_WAITING = _(
    "The administrator has been told, and whatever still waits goes on once this is solved."
)


class Telling(StrEnum):
    """Whether somebody who can mend it knows."""

    TOLD = "told"
    UNDER_WAY = "under way"
    NOBODY = "nobody"


_INSTEAD = {
    Telling.UNDER_WAY: (
        _("The administrator is being told."),
        _("The administrator is being told, and whatever still waits goes on once this is solved."),
    ),
    Telling.NOBODY: (
        _("Please tell the administrator, who may not know of it yet."),
        _(
            "Please tell the administrator, who may not know of it yet. Whatever still waits goes"
            " on once this is solved."
        ),
    ),
}


def as_told(next_step: _StrPromise, telling: Telling) -> _StrPromise:
    """The same step, but that the administrator has been told is said only where it is so."""
    if telling is Telling.TOLD or next_step not in (ADMIN_TOLD, ADMIN_TOLD_AND_WAITING):
        return next_step
    return _INSTEAD[telling][next_step is ADMIN_TOLD_AND_WAITING]


BUDGET_ACTION = _(
    "Try again in the next month, or at once with an API key of your own, which you save in the"
    " settings."
)
NOTHING_TO_CHANGE = _("You need not change anything. Try again later.")
OWN_KEY_WAITING = _("Whatever else uses your key waits until the key works again.")
REPLACE_OWN_KEY = _("Save a working key in your account, then try again.")
OPEN_MODEL_OR_DELETE = _(
    "Let your key use this model at your provider, or delete it in your account to go on without"
    " it, then try again."
)
SHORTEN = _("Shorten your text, then try again.")
SOMETHING_WRONG_WITH_US = _("something is wrong with the set-up on our side")

TEXTS: dict[str, Text] = {
    "NETWORK_ERROR": Text(
        _("the AI service could not be reached, or the connection broke off"),
        TRIES_USED_UP,
        TRY_IN_A_FEW_MINUTES,
    ),
    "TIMEOUT": Text(
        _("the AI service did not answer in time"),
        TRIES_USED_UP,
        TRY_IN_A_FEW_MINUTES,
    ),
    "TLS_ERROR": Text(
        _("no secure connection to the AI service could be made"),
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
    ),
    "PROXY_ERROR": Text(
        _("the way to the AI service is blocked by a proxy"),
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
    ),
    "REDIRECT_ERROR": Text(
        _("the address of the AI service points elsewhere"),
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
    ),
    "SERVER_ERROR": Text(
        _("the AI service had a problem of its own"),
        TRIES_USED_UP,
        TRY_IN_A_FEW_MINUTES,
    ),
    "RATE_LIMIT_EXCEEDED": Text(
        _("the AI service is busy and accepts no more requests for the moment"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        _("Try again in a minute."),
        own_happened=_("the AI service accepts no more requests with your own key for the moment"),
    ),
    "SLOW_DOWN": Text(
        _("the AI service asks us to send fewer requests"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        _("Try again in a few minutes."),
    ),
    "QUOTA_EXCEEDED": Text(
        _("the credit of our account with the AI service is used up"),
        ADMIN_TOLD_AND_WAITING,
        NOTHING_TO_CHANGE,
        own_happened=_("the credit of the account behind your own key is used up"),
        own_next_step=OWN_KEY_WAITING,
        own_action=_(
            "Add credit on your provider's billing page or save another key in your account, "
            "then try again."
        ),
    ),
    "SPEND_LIMIT_REACHED": Text(
        _("a spending limit of our account with the AI service is reached"),
        ADMIN_TOLD_AND_WAITING,
        NOTHING_TO_CHANGE,
        own_happened=_("a spending limit of the account behind your own key is reached"),
        own_next_step=OWN_KEY_WAITING,
        own_action=_(
            "Raise the limit on your provider's limits page or save another key in your account, "
            "then try again."
        ),
    ),
    "BILLING_INACTIVE": Text(
        _("the billing of our account with the AI service is not active"),
        ADMIN_TOLD_AND_WAITING,
        NOTHING_TO_CHANGE,
        own_happened=_("the billing of the account behind your own key is not active"),
        own_next_step=OWN_KEY_WAITING,
        own_action=_(
            "Set up payment on your provider's billing page or save another key in your account, "
            "then try again."
        ),
    ),
    "BUDGET_REACHED": Text(
        _("what may be spent on the AI here is used up for this month"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        BUDGET_ACTION,
    ),
    "USER_BUDGET_REACHED": Text(
        _("your share of what may be spent on the AI here is used up for this month"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        BUDGET_ACTION,
    ),
    "INVALID_API_KEY": Text(
        _("the AI service did not accept our access key"),
        ADMIN_TOLD_AND_WAITING,
        NOTHING_TO_CHANGE,
        own_happened=_("the AI service did not accept your own API key"),
        own_next_step=OWN_KEY_WAITING,
        own_action=REPLACE_OWN_KEY,
    ),
    "API_KEY_NOT_CONFIGURED": Text(
        _("no access key for the AI service is set up"),
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
        own_happened=_("your own API key was deleted meanwhile or can no longer be read here"),
        own_next_step=NOT_TRIED_AGAIN_BY_ITSELF,
        own_action=_(
            "Save your key again in your account, or delete it there to go on without one, then try"
            " again."
        ),
    ),
    "PERMISSION_DENIED": Text(
        _("the AI service does not allow our account to do this"),
        ADMIN_TOLD_AND_WAITING,
        NOTHING_TO_CHANGE,
        own_happened=_("the AI service does not allow your own key to do this"),
        own_next_step=OWN_KEY_WAITING,
        own_action=_(
            "Check the permissions of your key at your provider or save another key, then try "
            "again."
        ),
    ),
    "ORGANIZATION_ERROR": Text(
        _("the AI service did not accept the organisation that our access key belongs to"),
        ADMIN_TOLD_AND_WAITING,
        NOTHING_TO_CHANGE,
        own_happened=_("the AI service did not accept the organisation your own key belongs to"),
        own_next_step=OWN_KEY_WAITING,
        own_action=REPLACE_OWN_KEY,
    ),
    "REGION_NOT_SUPPORTED": Text(
        _("the AI service is not offered where this server runs"),
        ADMIN_TOLD_AND_WAITING,
        NOTHING_TO_CHANGE,
        own_next_step=OWN_KEY_WAITING,
        own_action=_("Delete your own key in your account to go on without it, then try again."),
    ),
    "ACCOUNT_DEACTIVATED": Text(
        _("our account with the AI service is deactivated"),
        ADMIN_TOLD_AND_WAITING,
        NOTHING_TO_CHANGE,
        own_happened=_("the account behind your own key is deactivated"),
        own_next_step=OWN_KEY_WAITING,
        own_action=_("Contact your provider or save another key in your account, then try again."),
    ),
    "INVALID_RESPONSE": Text(
        _("the AI service sent an answer that we could not read"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        TRY_AGAIN,
    ),
    "EMPTY_RESPONSE": Text(
        _("the AI service sent an empty answer"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        TRY_AGAIN,
    ),
    "TRUNCATED_RESPONSE": Text(
        _("the answer of the AI service was cut off before its end"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        TRY_AGAIN,
    ),
    "SCHEMA_MISMATCH": Text(
        _("the AI service sent an answer with parts missing or out of place"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        TRY_AGAIN,
    ),
    "UNEXPECTED_TOOL_CALL": Text(
        _("the AI service answered with something else than the text we asked for"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        TRY_AGAIN,
    ),
    "RESPONSE_TOO_LARGE": Text(
        _("the AI service sent far more than an answer can hold"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        TRY_AGAIN,
    ),
    "CONTENT_FILTERED": Text(
        _("the safety filter of the AI service did not accept this text"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        _("Put it in other words, then try again."),
    ),
    "REFUSED": Text(
        _("the AI declined to answer this text"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        _("Put it in other words, then try again."),
    ),
    "INVALID_REQUEST": Text(
        SOMETHING_WRONG_WITH_US,
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
    ),
    "INVALID_SCHEMA": Text(
        SOMETHING_WRONG_WITH_US,
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
    ),
    "REQUEST_TOO_LARGE": Text(
        _("this text is larger than the limit of our account with the AI service"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        SHORTEN,
        own_happened=_("this text is larger than the limit of the account behind your own key"),
    ),
    "MODEL_NOT_FOUND": Text(
        _("the AI model that is set up does not exist or is not open to us"),
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
        own_happened=_("the AI model that is set up here is not open to your own key"),
        own_next_step=NOT_TRIED_AGAIN_BY_ITSELF,
        own_action=OPEN_MODEL_OR_DELETE,
    ),
    "ENDPOINT_NOT_FOUND": Text(
        _("the address of the AI service is wrong"),
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
        own_happened=_("the address that your own key is for is wrong or no longer offered here"),
        own_next_step=NOT_TRIED_AGAIN_BY_ITSELF,
        own_action=_("Save your key again with another address in your account, then try again."),
    ),
    "CONTEXT_LENGTH_EXCEEDED": Text(
        _("this text is too long for the AI model"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        SHORTEN,
    ),
    "PAYLOAD_TOO_LARGE": Text(
        _("this text is too long for the AI service"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        SHORTEN,
    ),
    "CONFLICT": Text(
        _("the AI service was still busy with the same request"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        _("Try again in a minute."),
    ),
    "INTERNAL_ERROR": Text(
        _("an error happened on our side"),
        ADMIN_TOLD,
        _("Try again later."),
    ),
    "WORKER_LOST": Text(
        _("our own worker stopped several times during this task"),
        ADMIN_TOLD,
        _("Try again later."),
    ),
    "DEADLINE_EXCEEDED": Text(
        _("it took longer than we allow"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        TRY_IN_A_FEW_MINUTES,
    ),
    "EXPIRED": Text(
        _("it waited too long for its turn"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        _("Try again now."),
    ),
}
