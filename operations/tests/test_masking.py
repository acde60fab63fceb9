"""No secret survives masking, at any depth and in any form."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.tracebacks import ExceptionDictTransformer

from operations.masking import MASKED, mask, mask_event, remember_secret

SECRETS = {
    "key": "sk-abcdefghijklmnop",
    "project key": "sk-proj-CANARY_0123456789-abcdef",
    "service account key": "sk-svcacct-CANARY0123456789",
    "short key": "sk-ab12",
    "key as OpenAI echoes it": "sk-proj-****************SJh4",
    "Groq key": "gsk_0123456789abcdef",
    "Google key": "AIzaSyD-0123456789abcdef",
    "address": "mara.lindqvist@example.org",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize(
    "text", ["{}", "Incorrect API key provided: {}.", '{{"k": "{}"}}', "a={}&b=2", "b'{}'"]
)
def test_secret_is_replaced(secret: str, text: str) -> None:
    masked = mask(text.format(secret))

    assert secret not in masked
    assert MASKED in masked


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc.def.ghi",
        "{'authorization': 'Bearer abc.def.ghi'}",
        "Illegal header value b'Bearer abc.def.ghi\\n'",
        "api_key=abc.def.ghi",
        '"password": "abc.def.ghi"',
        "postgres://user:abc.def.ghi@host/db",
        "Cookie: sessionid=abc.def.ghi",
    ],
)
def test_value_beside_a_telling_name_is_replaced(text: str) -> None:
    assert "abc.def.ghi" not in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "risk-based task-force at the desk-side",
        "input_tokens=12 output_tokens=7",
        "https://api.openai.com/v1#0123456789ab",
        "HTTP 429, rate_limit_exceeded, tokens",
        "operation 3f0e6a3c-8f4b-4c1e-9d52-0c2c7f3b9f10 failed",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert mask(text) == text


def test_remembered_secret_of_no_known_form_is_replaced() -> None:
    remember_secret("my-local-server-password")

    assert mask("upstream said my-local-server-password!") == f"upstream said {MASKED}!"


def test_too_short_a_secret_is_not_remembered() -> None:
    remember_secret("none")

    assert mask("none of them") == "none of them"


@pytest.mark.parametrize(
    "name", ["api_key", "OPENAI_API_KEY", "password", "Authorization", "token", "answer", "email"]
)
def test_field_of_a_telling_name_is_dropped(name: str) -> None:
    assert mask_event(None, "info", {name: "whatever it is"}) == {name: MASKED}


def test_counts_and_codes_pass() -> None:
    event = {"event": "attempt.failed", "input_tokens": 3, "duration_ms": 1.5, "done": True}

    assert mask_event(None, "info", event) == event


def test_lone_surrogate_does_not_break_the_log() -> None:
    event = mask_event(None, "info", {"event": "a \ud83d b"})

    assert event["event"].encode() == b"a \\ud83d b"


def test_object_with_a_broken_str_is_named() -> None:
    class Broken:
        def __str__(self) -> str:
            raise ZeroDivisionError

    assert mask_event(None, "info", {"x": Broken()}) == {"x": "<Broken: ZeroDivisionError>"}


def test_traceback_is_masked() -> None:
    key = SECRETS["project key"]
    try:
        raise ValueError(f"Illegal header value b'Bearer {key}\\n'")
    except ValueError:
        event = {"exception": traceback.format_exc()}

    masked = mask_event(None, "error", event)

    assert key not in masked["exception"]
    assert "ValueError" in masked["exception"]


def test_traceback_keeps_places_and_types_and_no_message() -> None:
    try:
        try:
            raise KeyError("I was fired\n  File from ACME\nValueError: and sued")
        except KeyError as error:
            raise LookupError("I was fired") from error
    except LookupError:
        text = traceback.format_exc()

    printed = mask_event(None, "error", {"exception": text})["exception"].splitlines()

    assert [line for line in printed if not line.startswith(" ")] == [
        "Traceback (most recent call last):",
        f"KeyError: {MASKED}",
        "The above exception was the direct cause of the following exception:",
        "Traceback (most recent call last):",
        f"LookupError: {MASKED}",
    ]
    assert not [line for line in printed if "ACME" in line and "raise" not in line]


def test_structured_traceback_keeps_places_and_types_and_no_message() -> None:
    try:
        raise KeyError("I was fired")
    except KeyError as error:
        trace = ExceptionDictTransformer(show_locals=False)(
            (type(error), error, error.__traceback__)
        )

    (masked,) = mask_event(None, "error", {"exception": trace})["exception"]

    assert masked["exc_type"] == "KeyError"
    assert masked["exc_value"] == MASKED
    assert masked["frames"][-1]["name"].startswith("test_structured_traceback")
    assert "fired" not in repr(masked)


def nested(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(["detail", "note", "extra", "x"])
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3),
            st.tuples(inner),
            st.dictionaries(names, inner, min_size=1, max_size=3),
            inner.map(lambda value: ValueError(value)),
            inner.map(lambda value: str(value).encode("utf-8", "replace")),
        ),
        max_leaves=8,
    )


@given(
    value=nested(
        st.tuples(
            st.text(alphabet=" .,:;=/\"'()[]{}\n", max_size=8),
            st.sampled_from(sorted(SECRETS.values())),
            st.text(alphabet=" ,;\"')\n", min_size=1, max_size=8),
        ).map("".join)
    )
)
def test_no_secret_survives_at_any_depth(value: object) -> None:
    masked = repr(mask_event(logging.getLogger(), "info", {"event": value}))

    assert not [secret for secret in SECRETS.values() if secret in masked]


@given(st.text())
def test_any_text_can_be_masked_and_encoded(text: str) -> None:
    mask(text).encode()


def test_a_long_value_is_cut_and_says_how_long_it_was() -> None:
    event = mask_event(None, "info", {"path": "/" + "word " * 2_000})

    assert len(event["path"]) < 2_100
    assert event["path"].endswith("[… 10001 characters]")


@pytest.mark.parametrize("border", [2_000, 4_512])
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_no_part_of_a_secret_is_left_where_a_value_is_cut(secret: str, border: int) -> None:
    for cut in range(6, len(secret)):
        text = "." * (border - cut - 1) + " " + secret + " y" * 3_000

        assert secret[:6] not in mask_event(None, "info", {"path": text})["path"]


def test_a_password_in_an_address_is_found_and_repeated_schemes_cost_nothing() -> None:
    """One request with such a path held a whole web process for seconds."""
    assert mask("://a:" * 4_000) == "://a:" * 4_000
    assert mask("postgres://user:pa:ss@host/name") == f"postgres://{MASKED}@host/name"
    assert mask("redis://:secret@host:6379/0") == f"redis://{MASKED}@host:6379/0"
    assert mask("redis://:se:cret@host:6379/0") == f"redis://{MASKED}@host:6379/0"


@pytest.mark.parametrize("name", ["csrf" + "x" * 150, "csrf" + "x" * 5_000])
def test_what_a_long_name_names_is_dropped(name: str) -> None:
    assert "strawberry" not in str(mask_event(None, "info", {name: "strawberry"}))
