"""Which key goes where, what is told about it, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from operations.credentials import (
    OPENAI_URL,
    base_url_fault,
    installation_credential,
    is_simulated,
    key_fault,
    make_credential,
)
from operations.errors import AuthenticationError

KEY = "sk-proj-CANARY0123456789"


@pytest.fixture
def production(settings: Any) -> Any:
    settings.DEBUG = settings.SIMULATED_PROVIDER = False
    settings.OPENAI_API_KEY = settings.OPENAI_BASE_URL = ""
    return settings


def test_key_is_in_no_description() -> None:
    credential = make_credential(KEY)

    assert KEY not in f"{credential!r} {credential} {credential.label}"


def test_label_is_url_and_fingerprint() -> None:
    credential = make_credential(KEY, base_url="http://127.0.0.1:8000/v1")

    assert credential.label == f"http://127.0.0.1:8000/v1#{credential.fingerprint}"
    assert len(credential.fingerprint) == 12


def test_label_of_a_long_address_fits_and_stays_apart() -> None:
    labels = {make_credential(KEY, base_url=f"https://{'a' * 200}/{n}").label for n in range(3)}

    assert len(labels) == 3
    assert all(len(label) <= 100 for label in labels)


def test_label_has_no_password_of_the_address() -> None:
    credential = make_credential(KEY, base_url="https://user:hunter2@host/v1")

    assert credential.label.startswith("https://host/v1#")


def test_two_keys_have_two_labels() -> None:
    assert make_credential(KEY).label != make_credential(f"{KEY}x").label


def test_credential_survives_pickling() -> None:
    credential = make_credential(KEY, owner_id=1)

    assert pickle.loads(pickle.dumps(credential)) == credential


def test_white_space_around_the_installations_key_is_stripped(production: Any) -> None:
    production.OPENAI_API_KEY = f" {KEY}\n"

    credential = installation_credential()

    assert (credential.api_key, credential.base_url) == (KEY, OPENAI_URL)


def test_address_alone_sends_the_key_none(production: Any) -> None:
    production.OPENAI_BASE_URL = "http://127.0.0.1:11434/v1"

    assert installation_credential().api_key == "none"


def test_nothing_configured_is_said(production: Any) -> None:
    with pytest.raises(AuthenticationError) as caught:
        installation_credential()

    assert caught.value.error_code == "API_KEY_NOT_CONFIGURED"


@pytest.mark.parametrize(
    ("debug", "wanted", "key", "url", "simulated"),
    [
        (True, False, "", "", True),
        (False, True, "", "", True),
        (False, False, "", "", False),
        (True, True, KEY, "", False),
        (True, True, "", "http://127.0.0.1/v1", False),
    ],
)
def test_simulated_only_without_key_and_address(
    production: Any, debug: bool, wanted: bool, key: str, url: str, simulated: bool
) -> None:
    production.DEBUG, production.SIMULATED_PROVIDER = debug, wanted
    production.OPENAI_API_KEY, production.OPENAI_BASE_URL = key, url

    assert is_simulated() is simulated


@pytest.mark.parametrize("key", ["", "  ", f"{KEY}\n", f"a {KEY}", f"{KEY}é", f"{KEY}\x00", "\x7f"])
def test_key_that_cannot_be_a_header_is_refused(key: str) -> None:
    fault = key_fault(key)

    assert fault.startswith("it ")
    assert KEY not in fault


@pytest.mark.parametrize("key", [KEY, "none", "a", "ollama", "key!#$%&*"])
def test_key_that_can_be_a_header_is_accepted(key: str) -> None:
    assert key_fault(key) == ""


@pytest.mark.parametrize(
    "url",
    [
        "api.openai.com/v1",
        "ftp://host/v1",
        "http:///v1",
        "http://[::1/v1",
        "http://host:99999/v1",
        "http://host:0/v1",
        f"http://{'a' * 70}.invalid/v1",
        "https://user:hunter2@host/v1",
        "https://host/v1?key=1",
        "https://host/v1#x",
        "https://ho st/v1",
        "//host/v1",
    ],
)
def test_address_that_cannot_be_asked_is_refused(url: str) -> None:
    fault = base_url_fault(url)

    assert fault.startswith("it")
    assert "hunter2" not in fault


@pytest.mark.parametrize(
    "url", [OPENAI_URL, "http://127.0.0.1:8000/v1", "http://[::1]:8000/v1", "https://bücher.de/v1"]
)
def test_address_that_can_be_asked_is_accepted(url: str) -> None:
    assert base_url_fault(url) == ""
