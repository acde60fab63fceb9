"""What an operator should do about each error code: English, technical, shown in the admin and in
docs/errors.md. What a person reads stands in `texts`."""

REMEDIES: dict[str, str] = {
    "NETWORK_ERROR": (
        "Check the network path from the worker to OPENAI_BASE_URL: DNS, firewall, the provider's "
        "status page. `manage.py doctor` tries it. Then retry the failed operations."
    ),
    "TIMEOUT": (
        "Compare the provider's latency with OPENAI_TIMEOUT_SECONDS; raise it for a slow model. "
        "Timed-out calls may have been processed and paid."
    ),
    "TLS_ERROR": (
        "The certificate or TLS version of OPENAI_BASE_URL was not accepted: wrong scheme or port, "
        "self-signed certificate, missing ca-certificates package, or an intercepting proxy."
    ),
    "PROXY_ERROR": (
        "HTTP_PROXY, HTTPS_PROXY or NO_PROXY of the worker: the proxy refused the connection or "
        "asked for a password (407)."
    ),
    "REDIRECT_ERROR": (
        "OPENAI_BASE_URL answers with a redirect. Redirects are not followed, because they would "
        "carry texts to another host: set the final address, with its scheme and /v1."
    ),
    "SERVER_ERROR": (
        "The provider answered 5xx. See its status page; retry the failed operations afterwards."
    ),
    "RATE_LIMIT_EXCEEDED": (
        "The provider's request or token limit. Lower OPERATIONS_CONCURRENCY, raise the tier, or "
        "let operations wait with OPERATIONS_DEFER_RATE_LIMITED=true."
    ),
    "SLOW_DOWN": (
        "The provider asks for a slower ramp. Lower OPERATIONS_CONCURRENCY for fifteen minutes."
    ),
    "QUOTA_EXCEEDED": (
        "Buy credit or raise the plan of the account behind the key, then resume the provider and "
        "retry the failed operations."
    ),
    "SPEND_LIMIT_REACHED": (
        "Raise the budget of the organisation or project on the provider's limits page, or wait "
        "for the next period; then resume the provider and retry."
    ),
    "BILLING_INACTIVE": (
        "Set up or renew the payment method of the account behind the key, then resume the "
        "provider and retry."
    ),
    "BUDGET_REACHED": (
        "BUDGET_USD_PER_MONTH is spent. Raise it (and restart the web and worker processes) or "
        "wait for the next month, then retry the failed operations: nothing was sent for them."
    ),
    "USER_BUDGET_REACHED": (
        "This person has spent BUDGET_USD_PER_USER_MONTH. Raise it (and restart the web and worker "
        "processes) or wait for the next month, then retry their failed operations."
    ),
    "INVALID_API_KEY": (
        "OPENAI_API_KEY is wrong, revoked or made for another server than OPENAI_BASE_URL. Set a "
        "working key and restart the workers: what waits is sent by itself."
    ),
    "API_KEY_NOT_CONFIGURED": (
        "Set OPENAI_API_KEY (or OPENAI_BASE_URL alone for a server without keys, or "
        "SIMULATED_PROVIDER=true), restart the workers, retry the failed operations."
    ),
    "PERMISSION_DENIED": (
        "The key's project may not use this model or endpoint, an IP allow list forbids this "
        "host, or a bot challenge stands before the server."
    ),
    "ORGANIZATION_ERROR": (
        "The key belongs to no organisation or to another one than OPENAI_ORG_ID or "
        "OPENAI_PROJECT_ID say: unset these or use a key of that organisation."
    ),
    "REGION_NOT_SUPPORTED": (
        "The provider does not serve this country: run the worker elsewhere or use another "
        "OPENAI_BASE_URL."
    ),
    "ACCOUNT_DEACTIVATED": (
        "The provider closed or suspended the account: read its mail, contact its support, or use "
        "a key of another account."
    ),
    "INVALID_RESPONSE": (
        "The answer was not a chat completion: a web page, a proxy, or a server that is not "
        "OpenAI-compatible. Check OPENAI_BASE_URL if this is not rare."
    ),
    "EMPTY_RESPONSE": (
        "No content in the answer. Reasoning models may spend all tokens before they write; see "
        "the model's limits if this is not rare."
    ),
    "TRUNCATED_RESPONSE": (
        "finish_reason length: the model's output limit is too small for this answer; see "
        "OPENAI_MAX_OUTPUT_TOKENS. Where the attempt's detail says that the model spent its whole "
        "answer on thinking, lower OPENAI_REASONING_EFFORT or raise the limit."
    ),
    "SCHEMA_MISMATCH": (
        "The JSON does not fit the kind's schema. Models without structured outputs do this: use "
        "one that supports response_format json_schema."
    ),
    "UNEXPECTED_TOOL_CALL": (
        "The model called a tool although none is offered: check the server's default tools."
    ),
    "RESPONSE_TOO_LARGE": (
        "The body, unpacked, passed the byte limit and was dropped unread. A wrong address or a "
        "broken relay; check OPENAI_BASE_URL."
    ),
    "CONTENT_FILTERED": (
        "The provider's content filter. Nothing to do unless many harmless texts are refused."
    ),
    "REFUSED": ("The model refused. Nothing to do unless many harmless texts are refused."),
    "INVALID_REQUEST": (
        "The provider rejected the request: see the attempt's detail for its code and parameter. "
        "Often a model that lacks response_format json_schema."
    ),
    "INVALID_SCHEMA": (
        "The provider or model does not accept the kind's JSON schema in the form in use, which "
        "`manage.py doctor` names: retry, which asks in the next simpler form, or use a model that "
        "supports structured outputs."
    ),
    "REQUEST_TOO_LARGE": (
        "One request alone passes the tokens-per-minute limit: waiting cannot help. Raise the "
        "tier or use a model with a higher limit."
    ),
    "MODEL_NOT_FOUND": (
        "OPENAI_MODEL is not known to this server or not open to this key: set one that "
        "GET /models lists."
    ),
    "ENDPOINT_NOT_FOUND": ("OPENAI_BASE_URL has no chat/completions: it usually ends in /v1."),
    "CONTEXT_LENGTH_EXCEEDED": (
        "The prompt passes the model's context window: use a model with a larger one."
    ),
    "PAYLOAD_TOO_LARGE": ("The server or a proxy before it refuses bodies of this size (413)."),
    "CONFLICT": ("The server answered 409. Nothing to do unless it happens often."),
    "INTERNAL_ERROR": (
        "A fault of this program: the log has the stack trace under the operation's id."
    ),
    "WORKER_LOST": (
        "Four workers died while they ran this operation: memory limits or kills of the machine; "
        "see the worker's log. The provider may have been paid for each loss."
    ),
    "DEADLINE_EXCEEDED": (
        "The run passed OPERATIONS_DEADLINE_SECONDS without a provider failure: the worker was "
        "starved or the database slow."
    ),
    "EXPIRED": (
        "Pending longer than OPERATIONS_EXPIRE_SECONDS: the workers were down or the provider "
        "was paused all that time."
    ),
}
