"""Configuration faults are found at start, under the variable's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from operations.checks import check_provider

KEY = "sk-proj-CANARY0123456789"


@pytest.fixture(autouse=True)
def sound(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = KEY, "https://host/v1"
    settings.OPERATIONS_ERROR_VOCABULARY = ""
    return settings


def test_sound_configuration_has_no_message() -> None:
    assert check_provider() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", f"{KEY}\nX: y"),
        ("OPENAI_API_KEY", f"{KEY}é"),
        ("OPENAI_API_KEY", f"{KEY} {KEY}"),
        ("OPENAI_BASE_URL", "host/v1"),
        ("OPENAI_BASE_URL", "http:///v1"),
        ("OPENAI_BASE_URL", f"https://user:{KEY}@host/v1"),
        ("SIMULATED_FAULTS", "nonsense:0.1"),
        ("SIMULATED_FAULTS", "network:2"),
        ("SIMULATED_FAULTS", "network:nan"),
        ("SIMULATED_FAULTS", "network"),
        ("SIMULATED_FAULTS", "network:0.6,rate_limit:0.6"),
        ("SIMULATED_FAULTS", "network:0.1,network:0.1"),
        ("OPERATIONS_ERROR_VOCABULARY", "no/such/file.json"),
    ],
)
def test_fault_is_told_by_name_with_an_example(sound: Any, name: str, value: object) -> None:
    setattr(sound, name, value)

    (message,) = check_provider()

    assert message.is_serious()
    assert message.msg.startswith(f"{name}: ")
    assert message.hint.startswith(f"Example: {name}=")
    assert KEY not in message.msg


@pytest.mark.parametrize("content", ["[]", "{", '{"x": "NO_SUCH_CODE"}'])
def test_broken_vocabulary_is_told(sound: Any, tmp_path: Path, content: str) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text(content)
    sound.OPERATIONS_ERROR_VOCABULARY = str(path)

    (message,) = check_provider()

    assert message.id == "operations.E005"


def test_proxy_of_an_unknown_scheme_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://user:hunter2@host:1")

    (message,) = check_provider()

    assert message.msg.startswith("HTTPS_PROXY: ")
    assert "hunter2" not in f"{message.msg} {message.hint}"


def test_no_provider_at_all_is_a_warning(sound: Any) -> None:
    sound.OPENAI_API_KEY = sound.OPENAI_BASE_URL = ""
    sound.DEBUG = sound.SIMULATED_PROVIDER = False

    (message,) = check_provider()

    assert not message.is_serious()
