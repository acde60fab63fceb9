from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from config.environment import VARIABLES, Environment, read
from config.reader import BadEnvironment
from operations import exits, lifeline
from operations.engine import failpoints
from operations.workers.cluster import SUPERVISOR_VARIABLE

BASE_DIR = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "DJANGO_SECRET_KEY": "signs what these tests never send",
    "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode(),
}
# What somebody might really type, one wrong thing each.
WRONG = {
    "DJANGO_DEBUG": "maybe",
    "FIELD_ENCRYPTION_KEY": "too-short",
    "DJANGO_CSRF_TRUSTED_ORIGINS": "coach.example.org",
    "TRUSTED_PROXY_COUNT": "-1",
    "BIND": "everywhere",
    "PORT": "80a",
    "DATABASE_URL": "mysql://root@db/practice",
    "DATABASE_DIRECT_URL": "mysql://root@db/practice",
    "REDIS_URL": "localhost:6379",
    "OPENAI_API_KEY": "sk-first\nsk-second",
    "OPENAI_BASE_URL": "api.example.org/v1",
    "OPENAI_MODEL": "m" * 101,
    "OPENAI_STRUCTURED_OUTPUT": "yaml",
    "OPENAI_MAX_OUTPUT_TOKENS": "many",
    "OPENAI_REASONING_EFFORT": "x" * 21,
    "OPENAI_TIMEOUT_SECONDS": "0",
    "OWN_KEY_BASE_URLS": "https://api.example.org/v1, api.example.com/v1",
    "OPERATIONS_MAX_RETRIES": "11",
    "OPERATIONS_BACKOFF_BASE_SECONDS": "nan",
    "OPERATIONS_DEADLINE_SECONDS": "inf",
    "OPERATIONS_CONCURRENCY": "0",
    "OPERATIONS_WORKERS": "²",
    "OPERATIONS_LEASE_SECONDS": "30s",
    "OPERATIONS_EXPIRE_SECONDS": "-5",
    "OPERATIONS_DEFER_RATE_LIMITED": "2",
    "OPERATIONS_SHUTDOWN_GRACE_SECONDS": "soon",
    "WEB_DRAIN_SECONDS": "25",
    "OPERATIONS_ERROR_VOCABULARY": "no/such/file.json",
    "SIMULATED_PROVIDER": "simulated",
    "SIMULATED_LATENCY_SECONDS": "-0.1",
    "SIMULATED_FAULTS": "gremlins:0.5",
    "LOG_LEVEL": "LOUD",
    "LOG_FORMAT": "xml",
    "API_THROTTLES": "yes please",
    "REGISTRATION_OPEN": "sometimes",
    "TRY_WITHOUT_ACCOUNT": "sometimes",
    "MAX_UNFINISHED_OPERATIONS_PER_USER": "1e3",
    "ADMINS": "operator@example.org, notmail",
    "ALERT_WEBHOOK_URL": "hooks.example.org",
    "ALERT_WEBHOOK_FORMAT": "teams",
    "EMAIL_URL": "pigeon://loft",
    "EMAIL_FROM": "The office",
    "CORS_ALLOWED_ORIGINS": "https://app.example.org/page",
    "RETENTION_DAYS": "a year",
    "BUDGET_USD_PER_MONTH": "0",
    "BUDGET_USD_PER_USER_MONTH": "2,50",
    "METRICS_TOKEN": "short",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317",
    "SENTRY_DSN": "https://sentry.example.org/1",
}


def environment(tmp_path: Path, **variables: str) -> Environment:
    return read({**PRODUCTION, **variables}, base_dir=tmp_path, terminal=False)


@pytest.mark.parametrize("name", WRONG)
def test_bad_value_is_refused_with_name_and_example(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadEnvironment) as refusal:
        environment(tmp_path, **{name: WRONG[name]})

    (line,) = str(refusal.value).splitlines()
    assert line.startswith(f"{name} ")
    assert f"Example: {name}=" in line


@pytest.mark.parametrize(
    ("name", "beyond", "within"),
    [
        ("OPENAI_TIMEOUT_SECONDS", "0", "0.1"),
        ("OPERATIONS_MAX_RETRIES", "-1", "0"),
        ("OPERATIONS_BACKOFF_BASE_SECONDS", "0", "0.05"),
        ("OPERATIONS_DEADLINE_SECONDS", "0", "0.1"),
        ("OPERATIONS_CONCURRENCY", "0", "1"),
        ("OPERATIONS_LEASE_SECONDS", "0.9", "1"),
        ("OPERATIONS_EXPIRE_SECONDS", "0", "0.1"),
        ("SIMULATED_LATENCY_SECONDS", "-0.1", "0"),
    ],
)
def test_a_number_is_held_to_its_least(name: str, beyond: str, within: str, tmp_path: Path) -> None:
    assert getattr(environment(tmp_path, **{name: within}), name.lower()) == float(within)

    with pytest.raises(BadEnvironment, match=f"^{name} "):
        environment(tmp_path, **{name: beyond})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", "sk-my own secret"),
        ("FIELD_ENCRYPTION_KEY", "my own secret"),
        ("OPENAI_BASE_URL", "https://me:my own secret@api.example.org"),
        ("DATABASE_URL", "mysql://me:my own secret@db/practice"),
        ("REDIS_URL", "rediss:my own secret"),
        ("EMAIL_URL", "my own secret"),
    ],
)
def test_refusal_never_repeats_a_value(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(BadEnvironment) as refusal:
        environment(tmp_path, **{name: value})

    assert "my own secret" not in str(refusal.value)


INTERNAL = [
    "https://localhost/v1",
    "https://127.0.0.1:8443/v1",
    "https://127.1/v1",
    "https://2130706433/v1",
    "https://0x7f.0.0.1/v1",
    "https://[::1]/v1",
    "https://[::ffff:10.0.0.1]/v1",
    "https://10.1.2.3/v1",
    "https://172.16.0.9/v1",
    "https://192.168.0.9/v1",
    "https://169.254.169.254/latest",
    "https://redis/v1",
    "https://vllm.internal/v1",
    "https://printer.local./v1",
]


@pytest.mark.parametrize("url", [*INTERNAL, "http://api.example.org/v1"])
def test_own_keys_are_offered_no_address_inside_and_none_without_tls(
    url: str, tmp_path: Path
) -> None:
    good = "https://api.example.org/v1"
    assert environment(tmp_path, OWN_KEY_BASE_URLS=f"{good}/").own_key_base_urls == (good,)

    with pytest.raises(BadEnvironment, match=r"^OWN_KEY_BASE_URLS holds an address"):
        environment(tmp_path, OWN_KEY_BASE_URLS=f"{good}, {url}")


def test_every_variable_that_can_be_wrong_has_a_wrong_case() -> None:
    takes_anything = {"DJANGO_SECRET_KEY", "DJANGO_ALLOWED_HOSTS"}

    assert set(VARIABLES) - set(WRONG) == takes_anything


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("OPERATIONS_CONCURENCY", "OPERATIONS_CONCURRENCY"),
        ("OPERATIONS_TIMEOUT", "OPERATIONS_"),
        ("SIMULATED_FAULT", "SIMULATED_FAULTS"),
        ("OPENAI_MODLE", "OPENAI_MODEL"),
        ("OPENAI_TIMEOUT", "OPENAI_TIMEOUT_SECONDS"),
        ("DJANGO_SECRETKEY", "DJANGO_SECRET_KEY"),
        ("DATABASE_URI", "DATABASE_URL"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_nearest_name(
    name: str, nearest: str, tmp_path: Path
) -> None:
    with pytest.raises(BadEnvironment) as refusal:
        environment(tmp_path, **{name: "my own secret"})

    assert re.fullmatch(
        rf"{name} is no setting of this product\. The nearest is {nearest}\w*\.", str(refusal.value)
    )


@pytest.mark.parametrize(
    "name",
    [
        "DJANGO_SETTINGS_MODULE",
        "DJANGO_SUPERUSER_PASSWORD",
        "OPENAI_ORG_ID",
        "OPENAI_ADMIN_KEY",
        "REDIS_PORT",
        "LOG_FILE",
        "PATH",
    ],
)
def test_variables_of_others_are_let_alone(name: str, tmp_path: Path) -> None:
    environment(tmp_path, **{name: "theirs"})


def test_what_our_own_processes_tell_their_children_is_known(tmp_path: Path) -> None:
    environment(
        tmp_path,
        **dict.fromkeys(
            (SUPERVISOR_VARIABLE, lifeline.VARIABLE, failpoints.VARIABLE, exits.VARIABLE), "1"
        ),
    )


def test_a_call_must_not_last_longer_than_its_run(tmp_path: Path) -> None:
    with pytest.raises(BadEnvironment, match=r"^OPENAI_TIMEOUT_SECONDS is above OPER"):
        environment(tmp_path, OPENAI_TIMEOUT_SECONDS="201")

    assert environment(tmp_path, OPENAI_TIMEOUT_SECONDS="200").openai_timeout_seconds == 200
    assert environment(tmp_path, OPERATIONS_DEADLINE_SECONDS="9").openai_timeout_seconds == 9


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadEnvironment) as refusal:
        environment(tmp_path, PORT="x", LOG_FORMAT="x")

    assert [line.split()[0] for line in str(refusal.value).splitlines()] == ["PORT", "LOG_FORMAT"]


@pytest.mark.parametrize("name", PRODUCTION)
def test_production_does_not_start_without_its_secrets(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadEnvironment, match=f"^{name} is not set"):
        environment(tmp_path, **{name: ""})


@pytest.mark.parametrize(
    ("secret", "weakness"),
    [
        ("abcde", "is shorter than 32 characters"),
        ("x" * 50, "has fewer than 5 different characters"),
        ("abcd" * 20, "has fewer than 5 different characters"),
    ],
)
def test_production_does_not_start_with_a_secret_that_can_be_guessed(
    secret: str, weakness: str, tmp_path: Path
) -> None:
    with pytest.raises(BadEnvironment, match=rf"^DJANGO_SECRET_KEY {weakness}.+secrets\.token"):
        environment(tmp_path, DJANGO_SECRET_KEY=secret)


def test_five_different_characters_are_enough_of_a_secret(tmp_path: Path) -> None:
    environment(tmp_path, DJANGO_SECRET_KEY="abcde" * 7)


def test_development_makes_its_secrets_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first, second = (
        read({"DJANGO_DEBUG": "true"}, base_dir=tmp_path, terminal=False) for _ in range(2)
    )

    assert first.django_secret_key == second.django_secret_key
    assert first.field_encryption_key == second.field_encryption_key
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / ".local").iterdir()} == {0o600}
    assert (tmp_path / ".local").stat().st_mode & 0o777 == 0o700


def test_an_empty_value_counts_as_unset(tmp_path: Path) -> None:
    empty = environment(tmp_path, **dict.fromkeys(set(VARIABLES) - set(PRODUCTION), ""))

    assert empty == environment(tmp_path)


def test_debug_and_everything_it_opens_is_off_by_default(tmp_path: Path) -> None:
    defaults = environment(tmp_path)

    assert not defaults.django_debug
    assert not defaults.simulated_provider
    assert not defaults.registration_open
    assert defaults.bind == "127.0.0.1"


def test_white_space_around_a_key_is_not_part_of_it(tmp_path: Path) -> None:
    assert environment(tmp_path, OPENAI_API_KEY=" sk-abc\n").openai_api_key == "sk-abc"


def test_database_is_a_file_in_the_local_directory_by_default(tmp_path: Path) -> None:
    assert environment(tmp_path).database_url["NAME"] == str(tmp_path / ".local" / "db.sqlite3")


def test_sqlite_gets_one_worker_and_postgresql_one_per_core(tmp_path: Path) -> None:
    cores = len(os.sched_getaffinity(0))
    server = "postgres://coach@db.example.org/practice"

    assert environment(tmp_path).operations_workers == 1
    assert environment(tmp_path, DATABASE_URL=server).operations_workers == cores
    assert environment(tmp_path, OPERATIONS_WORKERS="3").operations_workers == 3


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:///data/p.sqlite3", "data/p.sqlite3"),
        ("sqlite:////srv/p.sqlite3", "/srv/p.sqlite3"),
    ],
    ids=["relative", "absolute"],
)
def test_relative_database_file_belongs_to_the_project_not_to_the_shell(
    url: str, name: str, tmp_path: Path
) -> None:
    assert environment(tmp_path, DATABASE_URL=url).database_url["NAME"] == str(tmp_path / name)


def test_database_in_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadEnvironment, match="cannot be shared"):
        environment(tmp_path, DATABASE_URL="sqlite://:memory:")


@pytest.mark.parametrize("document", [".env.example", "README.md"])
def test_documents_name_every_variable_and_no_other(document: str) -> None:
    text = (BASE_DIR / document).read_text()

    named = set(re.findall(r"^#?([A-Z][A-Z_]+)=", text, re.MULTILINE))
    if document == "README.md":
        assert set(re.findall(r"`([A-Z]+_[A-Z_]+|PORT|BIND|ADMINS)`", text)) <= set(VARIABLES) | {
            "REQUIRE_SERVICES"
        }
    else:
        assert named == set(VARIABLES)
