"""What a person reads about each error code, and what an operator should do about it.

Four parts make a message: what happened, that nothing is lost, what happens next, what the person
can do. `happened` is a clause without capital or full stop: it follows a lead-in such as "We could
not prepare your questions:". Texts speak of "the administrator" where the installation's key is
used and of "your key" where it is the person's own.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    remedy: str
    """For the operator: English, technical, shown in the admin and in docs/errors.md."""
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
NOTHING_TO_CHANGE = _("You need not change anything. Try again later.")
OWN_KEY_WAITING = _("Whatever else uses your key waits until the key works again.")
REPLACE_OWN_KEY = _("Save a working key in your settings, then try again.")
SHORTEN = _("Shorten your text, then try again.")
SOMETHING_WRONG_WITH_US = _("something is wrong with the set-up on our side")

TEXTS: dict[str, Text] = {
    "NETWORK_ERROR": Text(
        _("the AI service could not be reached, or the connection broke off"),
        TRIES_USED_UP,
        TRY_IN_A_FEW_MINUTES,
        "Check the network path from the worker to OPENAI_BASE_URL: DNS, firewall, the provider's "
        "status page. `manage.py doctor` tries it. Then retry the failed operations.",
    ),
    "TIMEOUT": Text(
        _("the AI service did not answer in time"),
        TRIES_USED_UP,
        TRY_IN_A_FEW_MINUTES,
        "Compare the provider's latency with OPENAI_TIMEOUT_SECONDS; raise it for a slow model. "
        "Timed-out calls may have been processed and paid.",
    ),
    "TLS_ERROR": Text(
        _("no secure connection to the AI service could be made"),
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
        "The certificate or TLS version of OPENAI_BASE_URL was not accepted: wrong scheme or port, "
        "self-signed certificate, missing ca-certificates package, or an intercepting proxy.",
    ),
    "PROXY_ERROR": Text(
        _("the way to the AI service is blocked by a proxy"),
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
        "HTTP_PROXY, HTTPS_PROXY or NO_PROXY of the worker: the proxy refused the connection or "
        "asked for a password (407).",
    ),
    "REDIRECT_ERROR": Text(
        _("the address of the AI service points elsewhere"),
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
        "OPENAI_BASE_URL answers with a redirect. Redirects are not followed, because they would "
        "carry texts to another host: set the final address, with its scheme and /v1.",
    ),
    "SERVER_ERROR": Text(
        _("the AI service had a problem of its own"),
        TRIES_USED_UP,
        TRY_IN_A_FEW_MINUTES,
        "The provider answered 5xx. See its status page; retry the failed operations afterwards.",
    ),
    "RATE_LIMIT_EXCEEDED": Text(
        _("the AI service is busy and accepts no more requests for the moment"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        _("Try again in a minute."),
        "The provider's request or token limit. Lower OPERATIONS_CONCURRENCY, raise the tier, or "
        "let operations wait with OPERATIONS_DEFER_RATE_LIMITED=true.",
        own_happened=_("the AI service accepts no more requests with your own key for the moment"),
    ),
    "SLOW_DOWN": Text(
        _("the AI service asks us to send fewer requests"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        _("Try again in a few minutes."),
        "The provider asks for a slower ramp. Lower OPERATIONS_CONCURRENCY for fifteen minutes.",
    ),
    "QUOTA_EXCEEDED": Text(
        _("the credit of our account with the AI service is used up"),
        ADMIN_TOLD_AND_WAITING,
        NOTHING_TO_CHANGE,
        "Buy credit or raise the plan of the account behind the key, then resume the provider and "
        "retry the failed operations.",
        own_happened=_("the credit of the account behind your own key is used up"),
        own_next_step=OWN_KEY_WAITING,
        own_action=_(
            "Add credit on your provider's billing page or save another key in your settings, "
            "then try again."
        ),
    ),
    "SPEND_LIMIT_REACHED": Text(
        _("a spending limit of our account with the AI service is reached"),
        ADMIN_TOLD_AND_WAITING,
        NOTHING_TO_CHANGE,
        "Raise the budget of the organisation or project on the provider's limits page, or wait "
        "for the next period; then resume the provider and retry.",
        own_happened=_("a spending limit of the account behind your own key is reached"),
        own_next_step=OWN_KEY_WAITING,
        own_action=_(
            "Raise the limit on your provider's limits page or save another key in your settings, "
            "then try again."
        ),
    ),
    "BILLING_INACTIVE": Text(
        _("the billing of our account with the AI service is not active"),
        ADMIN_TOLD_AND_WAITING,
        NOTHING_TO_CHANGE,
        "Set up or renew the payment method of the account behind the key, then resume the "
        "provider and retry.",
        own_happened=_("the billing of the account behind your own key is not active"),
        own_next_step=OWN_KEY_WAITING,
        own_action=_(
            "Set up payment on your provider's billing page or save another key in your settings, "
            "then try again."
        ),
    ),
    "INVALID_API_KEY": Text(
        _("the AI service did not accept our access key"),
        ADMIN_TOLD_AND_WAITING,
        NOTHING_TO_CHANGE,
        "OPENAI_API_KEY is wrong, revoked or made for another server than OPENAI_BASE_URL. Set a "
        "working key, restart the workers, then retry: the retry is the probe that resumes.",
        own_happened=_("the AI service did not accept your own API key"),
        own_next_step=OWN_KEY_WAITING,
        own_action=REPLACE_OWN_KEY,
    ),
    "API_KEY_NOT_CONFIGURED": Text(
        _("no access key for the AI service is set up"),
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
        "Set OPENAI_API_KEY (or OPENAI_BASE_URL alone for a server without keys, or "
        "SIMULATED_PROVIDER=true), restart the workers, retry the failed operations.",
        own_happened=_("you have not saved an API key"),
        own_next_step=NOT_TRIED_AGAIN_BY_ITSELF,
        own_action=REPLACE_OWN_KEY,
    ),
    "PERMISSION_DENIED": Text(
        _("the AI service does not allow our account to do this"),
        ADMIN_TOLD_AND_WAITING,
        NOTHING_TO_CHANGE,
        "The key's project may not use this model or endpoint, an IP allow list forbids this "
        "host, or a bot challenge stands before the server.",
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
        "The key belongs to no organisation or to another one than OPENAI_ORG_ID or "
        "OPENAI_PROJECT_ID say: unset these or use a key of that organisation.",
        own_happened=_("the AI service did not accept the organisation your own key belongs to"),
        own_next_step=OWN_KEY_WAITING,
        own_action=REPLACE_OWN_KEY,
    ),
    "REGION_NOT_SUPPORTED": Text(
        _("the AI service is not offered where this server runs"),
        ADMIN_TOLD_AND_WAITING,
        NOTHING_TO_CHANGE,
        "The provider does not serve this country: run the worker elsewhere or use another "
        "OPENAI_BASE_URL.",
    ),
    "ACCOUNT_DEACTIVATED": Text(
        _("our account with the AI service is deactivated"),
        ADMIN_TOLD_AND_WAITING,
        NOTHING_TO_CHANGE,
        "The provider closed or suspended the account: read its mail, contact its support, or use "
        "a key of another account.",
        own_happened=_("the account behind your own key is deactivated"),
        own_next_step=OWN_KEY_WAITING,
        own_action=_("Contact your provider or save another key in your settings, then try again."),
    ),
    "INVALID_RESPONSE": Text(
        _("the AI service sent an answer that we could not read"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        TRY_AGAIN,
        "The answer was not a chat completion: a web page, a proxy, or a server that is not "
        "OpenAI-compatible. Check OPENAI_BASE_URL if this is not rare.",
    ),
    "EMPTY_RESPONSE": Text(
        _("the AI service sent an empty answer"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        TRY_AGAIN,
        "No content in the answer. Reasoning models may spend all tokens before they write; see "
        "the model's limits if this is not rare.",
    ),
    "TRUNCATED_RESPONSE": Text(
        _("the answer of the AI service was cut off before its end"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        _("Try again; if it happens again, shorten your text."),
        "finish_reason length: the model's output limit is too small for this answer.",
    ),
    "SCHEMA_MISMATCH": Text(
        _("the AI service sent an answer with parts missing or out of place"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        TRY_AGAIN,
        "The JSON does not fit the kind's schema. Models without structured outputs do this: use "
        "one that supports response_format json_schema.",
    ),
    "UNEXPECTED_TOOL_CALL": Text(
        _("the AI service answered with something else than the text we asked for"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        TRY_AGAIN,
        "The model called a tool although none is offered: check the server's default tools.",
    ),
    "RESPONSE_TOO_LARGE": Text(
        _("the AI service sent far more than an answer can hold"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        TRY_AGAIN,
        "The body, unpacked, passed the byte limit and was dropped unread. A wrong address or a "
        "broken relay; check OPENAI_BASE_URL.",
    ),
    "CONTENT_FILTERED": Text(
        _("the safety filter of the AI service did not accept this text"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        _("Put it in other words, then try again."),
        "The provider's content filter. Nothing to do unless many harmless texts are refused.",
    ),
    "REFUSED": Text(
        _("the AI declined to answer this text"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        _("Put it in other words, then try again."),
        "The model refused. Nothing to do unless many harmless texts are refused.",
    ),
    "INVALID_REQUEST": Text(
        SOMETHING_WRONG_WITH_US,
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
        "The provider rejected the request: see the attempt's detail for its code and parameter. "
        "Often a model that lacks response_format json_schema.",
    ),
    "INVALID_SCHEMA": Text(
        SOMETHING_WRONG_WITH_US,
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
        "The provider or model does not accept the kind's JSON schema: use a model that supports "
        "structured outputs.",
    ),
    "REQUEST_TOO_LARGE": Text(
        _("this text is larger than the limit of our account with the AI service"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        SHORTEN,
        "One request alone passes the tokens-per-minute limit: waiting cannot help. Raise the "
        "tier or use a model with a higher limit.",
        own_happened=_("this text is larger than the limit of the account behind your own key"),
    ),
    "MODEL_NOT_FOUND": Text(
        _("the AI model that is set up does not exist or is not open to us"),
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
        "OPENAI_MODEL is not known to this server or not open to this key: set one that "
        "GET /models lists.",
    ),
    "ENDPOINT_NOT_FOUND": Text(
        _("the address of the AI service is wrong"),
        ADMIN_TOLD,
        NOTHING_TO_CHANGE,
        "OPENAI_BASE_URL has no chat/completions: it usually ends in /v1.",
    ),
    "CONTEXT_LENGTH_EXCEEDED": Text(
        _("this text is too long for the AI model"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        SHORTEN,
        "The prompt passes the model's context window: use a model with a larger one.",
    ),
    "PAYLOAD_TOO_LARGE": Text(
        _("this text is too long for the AI service"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        SHORTEN,
        "The server or a proxy before it refuses bodies of this size (413).",
    ),
    "CONFLICT": Text(
        _("the AI service was still busy with the same request"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        _("Try again in a minute."),
        "The server answered 409. Nothing to do unless it happens often.",
    ),
    "INTERNAL_ERROR": Text(
        _("an error happened on our side"),
        ADMIN_TOLD,
        _("Try again later."),
        "A fault of this program: the log has the stack trace under the operation's id.",
    ),
    "WORKER_LOST": Text(
        _("our own worker stopped several times during this task"),
        ADMIN_TOLD,
        _("Try again later."),
        "Four workers died while they ran this operation: memory limits or kills of the machine; "
        "see the worker's log. The provider may have been paid for each loss.",
    ),
    "DEADLINE_EXCEEDED": Text(
        _("it took longer than we allow"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        TRY_IN_A_FEW_MINUTES,
        "The run passed OPERATIONS_DEADLINE_SECONDS without a provider failure: the worker was "
        "starved or the database slow.",
    ),
    "EXPIRED": Text(
        _("it waited too long for its turn"),
        NOT_TRIED_AGAIN_BY_ITSELF,
        _("Try again now."),
        "Pending longer than OPERATIONS_EXPIRE_SECONDS: the workers were down or the provider "
        "was paused all that time.",
    ),
}
