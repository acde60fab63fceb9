"""LiteLLM's proxy 1.108.7 in front of the fault server: what it wraps is unwrapped again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from operations.models import Operation, ProviderPause
from operations.tests.fault_server import FaultServer, load_corpus
from operations.tests.worker import drain_behind_pauses
from servers.running import free_port, program, running

pytestmark = [
    pytest.mark.server("litellm"),
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
]

MASTER_KEY = "sk-loopback-only-0123456789abcdef"
START_SECONDS = 240.0
CASES_OF_A_CODE = 2


def chosen_cases() -> dict[str, dict[str, Any]]:
    """Two cases of each category and code that an HTTP server can answer with."""
    by_code = defaultdict(list)
    for name, case in load_corpus().items():
        if case["how"] == "http" and case["error_code"] not in ("TIMEOUT", "RESPONSE_TOO_LARGE"):
            by_code[case["expected_category"], case["error_code"]].append(name)
    corpus = load_corpus()
    return {name: corpus[name] for names in by_code.values() for name in names[:CASES_OF_A_CODE]}


@pytest.fixture(scope="module")
def provider() -> Iterator[FaultServer]:
    with FaultServer(scale=0.2) as server:
        yield server


@pytest.fixture(scope="module")
def proxy(provider: FaultServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its base URL. No retries, fallbacks or cooldowns of its own."""
    folder = Path(tmp_path_factory.mktemp("litellm"))
    upstream = {
        "model": "openai/*",
        "api_base": f"http://127.0.0.1:{provider.port}/v1",
        "api_key": "sk-proj-anything",
        "max_retries": 0,
    }
    configuration = {
        "model_list": [{"model_name": "*", "litellm_params": upstream}],
        "litellm_settings": {"num_retries": 0, "request_timeout": 30, "telemetry": False},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
    }
    # JSON is YAML.
    (folder / "config.yaml").write_text(json.dumps(configuration))
    root = f"http://127.0.0.1:{(port := free_port())}"
    options = ["--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    environment = {
        "LITELLM_MASTER_KEY": MASTER_KEY,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_TELEMETRY": "False",
    }
    with running(
        [program("litellm", "litellm"), *options],
        ready=f"{root}/health/liveliness",
        log=folder / "log",
        seconds=START_SECONDS,
        environment=environment,
    ):
        yield f"{root}/v1"


def test_every_category_is_as_without_the_proxy(
    proxy: str,
    settings: Settings,
    submit: Callable[[str], Operation],
    drain: Callable[[], None],
) -> None:
    settings.OPENAI_BASE_URL = proxy
    settings.OPENAI_API_KEY = MASTER_KEY
    settings.OPERATIONS_MAX_RETRIES = 0
    cases = chosen_cases()
    operations = {name: submit(f"fault:{name}") for name in cases}

    drain_behind_pauses(drain)

    other = {}
    without_wait = []
    for name, operation in operations.items():
        operation.refresh_from_db()
        last = operation.attempt_ledger.order_by("number").last()
        assert last is not None
        by_proxy = (last.http_status or 0) >= 500 and cases[name].get("status", 200) < 500
        wanted = cases[name]["expected_category"].replace("ok", "")
        if operation.error_category != wanted and not by_proxy:
            other[name] = (operation.error_category, operation.error_code, wanted)
        asked = "retry-after" in {key.lower() for key in cases[name]["headers"]}
        if operation.error_category == "rate_limit" and asked and not operation.retry_after_at:
            without_wait.append(name)
    assert len(cases) >= 40
    assert other == {}
    assert without_wait == []


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("quota_insufficient_quota", "QUOTA_EXCEEDED"),
        ("quota_billing_hard_limit_429", "SPEND_LIMIT_REACHED"),
    ],
)
def test_empty_account_behind_the_proxy_pauses_the_credential(
    proxy: str,
    settings: Settings,
    submit: Callable[[str], Operation],
    drain: Callable[[], None],
    case: str,
    code: str,
) -> None:
    """The proxy drops the provider's code; whoever comes after waits all the same (decision 33)."""
    settings.OPENAI_BASE_URL = proxy
    settings.OPENAI_API_KEY = MASTER_KEY
    first = submit(f"fault:{case}")
    drain()

    later = submit("fault:ok")
    drain()

    first.refresh_from_db()
    later.refresh_from_db()
    assert (first.status, first.error_code, first.attempts) == ("failed", code, 1)
    assert ProviderPause.objects.get(resumed_at=None).error_code == code
    assert (later.status, later.attempts) == ("pending", 0)
