"""Calls with people's own keys, by the real engine: whose they are, and what becomes of whom."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from operations import masking, pauses, queries, services
from operations.console import conditions
from operations.credentials import installation_label, make_credential
from operations.engine import leases
from operations.engine.claims import claim_batch
from operations.models import Alert, Operation, OwnKey, ProviderPause
from operations.refusals import NoOwnKey
from operations.services import (
    check_own_key,
    delete_own_key,
    ended_within,
    retry_operation,
    save_own_key,
)
from operations.tests.endings import fail
from operations.tests.factories import (
    AttemptFactory,
    OperationFactory,
    ProviderPauseFactory,
    UserFactory,
    WorkerHeartbeatFactory,
)
from operations.tests.fault_server import FaultServer
from operations.workers.alerts import watch_alerts

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Operation]
Drain = Callable[[], None]

KEYS = [f"sk-own-key-number-{number}-for-tests" for number in range(3)]
OURS = "sk-proj-a-key-for-tests-only"
REFUSED = "auth_invalid_api_key"


@pytest.fixture
def alice() -> User:
    made: User = UserFactory(username="alice")
    return made


@pytest.fixture
def bob() -> User:
    made: User = UserFactory(username="bob")
    return made


def sent_with(provider: FaultServer) -> Counter[str]:
    """How many calls came with which key. The server keeps a digest of each header."""
    known = {digest_of(f"Bearer {key}"): key for key in (OURS, *KEYS)}
    return Counter(known[each["auth"]] for each in provider.requests())


def digest_of(header: str) -> str:
    return f"sha256:{hashlib.sha256(header.encode()).hexdigest()[:8]}"


def now_of(operation: Operation) -> tuple[str, str]:
    operation.refresh_from_db()
    return operation.status, operation.error_code


def test_each_call_goes_with_the_key_of_its_owner(
    submit: Submit, provider: FaultServer, drain: Drain, alice: User, bob: User
) -> None:
    save_own_key(person=alice, key=KEYS[0])
    save_own_key(person=bob, key=f" {KEYS[1]}\n")
    owners = [alice, bob, UserFactory(), alice, None]
    operations = [submit(owner=owner) for owner in owners]

    drain()

    assert sent_with(provider) == {KEYS[0]: 2, KEYS[1]: 1, OURS: 2}
    assert {now_of(each) for each in operations} == {("completed", "")}
    assert [each.own_key for each in operations] == [True, True, False, True, False]
    labels = [each.credential for each in operations]
    assert labels[0] == labels[3]
    assert len(set(labels)) == 3
    assert labels[4] == installation_label()


def test_own_key_works_where_the_installation_has_none(
    submit: Submit, provider: FaultServer, drain: Drain, alice: User, settings: Settings
) -> None:
    save_own_key(person=alice, key=KEYS[0])
    url, settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = settings.OPENAI_BASE_URL, "", ""
    settings.DEBUG = settings.SIMULATED_PROVIDER = False
    settings.OWN_KEY_BASE_URLS = [url]
    OwnKey.objects.update(base_url=url)
    theirs, ours = submit(owner=alice), submit()

    drain()

    assert now_of(theirs) == ("completed", "")
    assert now_of(ours) == ("failed", "API_KEY_NOT_CONFIGURED")


def claims_statements(count: int, submit: Submit, owner: Callable[[], User | None]) -> list[str]:
    for _ in range(count):
        submit(owner=owner())
    with CaptureQueriesContext(connection) as asked, transaction.atomic():
        assert len(claim_batch(owner=uuid.uuid4(), limit=100)) == count
    return [query["sql"] for query in asked if "operations_ownkey" in query["sql"]]


def test_keys_of_all_are_read_in_one_statement_and_where_nobody_has_one_in_none(
    submit: Submit, provider: FaultServer
) -> None:
    def somebody_with_a_key() -> User:
        person: User = UserFactory()
        save_own_key(person=person, key=KEYS[0])
        return person

    assert claims_statements(5, submit, lambda: None) == []
    assert claims_statements(5, submit, UserFactory) == []
    assert len(claims_statements(5, submit, somebody_with_a_key)) == 1


def lose_by_deletion(person: User, settings: Settings) -> None:
    delete_own_key(person=person)


def lose_by_rotation(person: User, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEY = (Fernet.generate_key().decode(),)


def lose_by_address(person: User, settings: Settings) -> None:
    OwnKey.objects.update(base_url="https://api.example.org/v1")


@pytest.mark.parametrize(
    ("lose", "code", "words"),
    [
        (lose_by_deletion, "API_KEY_NOT_CONFIGURED", "deleted meanwhile"),
        (lose_by_rotation, "API_KEY_NOT_CONFIGURED", "can no longer be read"),
        (lose_by_address, "ENDPOINT_NOT_FOUND", "no longer offered"),
    ],
    ids=["deleted", "rotated away", "address no longer offered"],
)
def test_key_that_cannot_be_used_ends_its_owners_operation_alone(
    lose: Callable[[User, Settings], None],
    code: str,
    words: str,
    submit: Submit,
    provider: FaultServer,
    drain: Drain,
    alice: User,
    settings: Settings,
) -> None:
    save_own_key(person=alice, key=KEYS[0])
    theirs, other = submit(owner=alice), submit()
    lose(alice, settings)

    drain()

    assert now_of(theirs) == ("failed", code)
    assert now_of(other) == ("completed", "")
    assert sent_with(provider) == {OURS: 1}
    message = queries.operation_message(theirs)
    assert words in message
    assert "in your account" in message
    assert "dministrator" not in message
    assert not ProviderPause.objects.exists()
    assert not Alert.objects.exists()


@pytest.mark.parametrize("refusal", [REFUSED, "quota_insufficient_quota"])
def test_refused_own_key_stops_nobody_else_even_with_the_same_key(
    refusal: str, submit: Submit, provider: FaultServer, drain: Drain, alice: User, bob: User
) -> None:
    """Alice saved the installation's own key, and Bob the same."""
    for person in (alice, bob):
        save_own_key(person=person, key=OURS)
    provider.playing = refusal
    refused = submit(owner=alice)
    drain()
    provider.playing = "ok"
    waits, of_bob, ours = submit(owner=alice), submit(owner=bob), submit()

    drain()

    assert now_of(refused)[0] == "failed"
    assert now_of(waits) == ("pending", "")
    assert queries.waiting(waits).reason == "provider_paused"
    assert now_of(of_bob) == now_of(ours) == ("completed", "")
    assert ProviderPause.objects.get().own_key_owner == alice


def test_another_key_resumes_what_waits_for_the_refused_one(
    submit: Submit, provider: FaultServer, drain: Drain, alice: User
) -> None:
    save_own_key(person=alice, key=KEYS[0])
    provider.playing = REFUSED
    submit(owner=alice)
    drain()
    waits = submit(owner=alice)
    provider.playing = "ok"
    drain()
    assert now_of(waits) == ("pending", "")

    save_own_key(person=alice, key=KEYS[1])
    drain()

    assert now_of(waits) == ("completed", "")
    assert sent_with(provider) == {KEYS[0]: 1, KEYS[1]: 1}
    assert ProviderPause.objects.get().resumed_by == alice


def test_first_key_takes_what_waits_for_the_installations(
    submit: Submit, provider: FaultServer, drain: Drain, alice: User
) -> None:
    ProviderPauseFactory(credential=installation_label())
    theirs, other = submit(owner=alice), submit()

    save_own_key(person=alice, key=KEYS[0])
    drain()

    assert now_of(theirs) == ("completed", "")
    assert now_of(other) == ("pending", "")
    assert sent_with(provider) == {KEYS[0]: 1}


def test_pause_by_an_operator_is_not_ended_by_another_key(
    submit: Submit, provider: FaultServer, drain: Drain, alice: User
) -> None:
    save_own_key(person=alice, key=KEYS[0])
    called = submit(owner=alice)
    drain()
    called.refresh_from_db()

    services.pause_provider(credential=called.credential, actor=UserFactory(), reason="misuse")
    save_own_key(person=alice, key=KEYS[1])
    waits, other = submit(owner=alice), submit()
    drain()

    assert now_of(waits) == ("pending", "")
    assert now_of(other) == ("completed", ""), "it is not taken for the installation's"


def test_retry_goes_by_the_key_that_its_owner_has_by_now(
    submit: Submit, provider: FaultServer, drain: Drain, alice: User
) -> None:
    operation = submit(owner=alice)
    provider.playing = "rate_limit_tpm"
    drain()
    provider.playing = "ok"
    save_own_key(person=alice, key=KEYS[0])

    retry_operation(operation_id=operation.pk, actor=alice, door="api")
    drain()

    assert now_of(operation) == ("completed", "")
    assert sent_with(provider) == {OURS: 1, KEYS[0]: 1}


def test_retry_after_the_key_was_deleted_goes_with_the_installations(
    submit: Submit, provider: FaultServer, drain: Drain, alice: User
) -> None:
    save_own_key(person=alice, key=KEYS[0])
    operation = submit(owner=alice)
    delete_own_key(person=alice)
    drain()

    retry_operation(operation_id=operation.pk, actor=alice, door="api")
    drain()

    assert now_of(operation) == ("completed", "")
    assert sent_with(provider) == {OURS: 1}


def test_operator_is_not_alerted_for_a_persons_key(alice: User) -> None:
    WorkerHeartbeatFactory()
    for _ in range(12):
        operation = OperationFactory(running=True, owner=alice, own_key=True, credential="theirs")
        AttemptFactory(operation=operation, category="authentication", error_code="INVALID_API_KEY")
        fail(operation, "INVALID_API_KEY")
    watch_alerts()

    assert conditions.current() == []
    assert not Alert.objects.exists()


def test_outage_is_not_over_because_a_persons_own_key_works(alice: User) -> None:
    long_ago = timezone.now() - timedelta(minutes=30)
    Alert.objects.create(
        condition=conditions.CALLS_FAIL, text="calls fail", opened_at=long_ago, seen_at=long_ago
    )
    WorkerHeartbeatFactory()
    success = {"outcome": "succeeded", "category": "", "error_code": ""}
    AttemptFactory(operation=OperationFactory(completed=True, own_key=True), **success)
    watch_alerts()
    assert Alert.objects.filter(resolved_at=None).exists()

    AttemptFactory(operation=OperationFactory(completed=True), **success)
    watch_alerts()

    assert not Alert.objects.filter(resolved_at=None).exists()


def check(person: User) -> Operation:
    return check_own_key(person=person, subject_id=f"id-of-{person.username}", door="api")


def test_check_is_one_call_with_the_key(provider: FaultServer, drain: Drain, alice: User) -> None:
    save_own_key(person=alice, key=KEYS[0])

    asked = check(alice)
    assert check(alice) == asked, "the one that is under way"
    drain()

    assert now_of(asked) == ("completed", "")
    assert (asked.kind, asked.subject_type, asked.own_key) == ("key_check", "user", True)
    assert sent_with(provider) == {KEYS[0]: 1}


def test_check_is_sent_although_the_key_is_paused_and_its_success_resumes(
    submit: Submit, provider: FaultServer, drain: Drain, alice: User
) -> None:
    save_own_key(person=alice, key=KEYS[0])
    provider.playing = REFUSED
    refused = check(alice)
    drain()
    waits = submit(owner=alice)
    drain()
    assert now_of(refused) == ("failed", "INVALID_API_KEY")
    assert refused.acknowledged_at is not None, "nothing for the operator to look at"
    assert now_of(waits) == ("pending", "")

    provider.playing = "ok"
    mended = check(alice)
    drain()
    drain()  # the first may end with the check

    assert now_of(mended) == now_of(waits) == ("completed", "")
    assert pauses.paused_credentials() == set()


def test_nothing_to_check_without_a_key(alice: User) -> None:
    with pytest.raises(NoOwnKey):
        check(alice)


def test_who_asks_is_not_kept_waiting_in_vain(alice: User, provider: FaultServer) -> None:
    save_own_key(person=alice, key=KEYS[0])
    asked = check(alice)

    assert ended_within(asked.pk, 3600).status == "pending", "no worker lives"
    WorkerHeartbeatFactory()
    with transaction.atomic():
        assert ended_within(asked.pk, 3600).status == "pending", "nobody sees it before the commit"
    assert ended_within(asked.pk, 0.5).status == "pending"


@pytest.fixture
def forgotten_secrets() -> Iterator[None]:
    kept = dict(masking._secrets)
    masking._secrets.clear()
    yield
    masking._secrets.update(kept)


def test_key_is_masked_in_the_process_that_calls(
    submit: Submit, provider: FaultServer, alice: User, forgotten_secrets: None
) -> None:
    plain = "neither prefix nor pattern 1".replace(" ", "-")
    save_own_key(person=alice, key=plain)
    submit(owner=alice)
    assert plain in masking.mask(f"said {plain}"), "who only saves it has nothing to log it with"

    with transaction.atomic():
        claim_batch(owner=uuid.uuid4(), limit=1)

    assert masking.mask(f"said {plain}") == f"said {masking.MASKED}"


def test_of_many_secrets_the_one_in_use_is_remembered(forgotten_secrets: None) -> None:
    in_use = "the-secret-that-is-in-use"
    for number in range(2 * masking.MAX_SECRETS):
        masking.remember_secret(in_use)
        masking.remember_secret(f"secret-number-{number}")

    assert in_use not in masking.mask(in_use)


def test_paused_own_key_is_probed_only_while_something_waits_for_it(alice: User) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    ProviderPauseFactory(own_key_owner=alice, paused_at=long_ago, probed_at=long_ago)
    assert leases.sweep().probes == 0

    OperationFactory(owner=alice, own_key=True)

    assert leases.sweep().probes == 1


def test_two_people_with_one_key_have_two_labels() -> None:
    labels = {make_credential(OURS, owner_id=owner).label for owner in (None, 1, 2)}

    assert len(labels) == 3


UNSENDABLE = {
    "header": "sk-own-key-for-tests\r\nX-Injected: yes",
    "line end inside": "sk-own-key\nfor-tests",
    "blank": "sk-own key-for-tests",
    "NUL": "sk-own-key\x00for-tests",
    "not ASCII": "sk-öwn-key-for-tests",
    "empty": "   ",
    "short": "sk-1",
    "long": "sk-" + "x" * 600,
}


@pytest.mark.parametrize("key", UNSENDABLE.values(), ids=UNSENDABLE)
def test_key_that_cannot_be_sent_is_refused_without_repeating_it(key: str, alice: User) -> None:
    with pytest.raises(ValidationError) as refusal:
        save_own_key(person=alice, key=key)

    assert list(refusal.value.message_dict) == ["key"]
    assert "own" not in str(refusal.value.message_dict["key"])
    assert not OwnKey.objects.exists()


def test_only_addresses_of_the_operators_list_are_taken(alice: User, settings: Settings) -> None:
    settings.OWN_KEY_BASE_URLS = ["https://api.example.org/v1"]

    save_own_key(person=alice, key=KEYS[0], base_url=" https://api.example.org/v1/ ")

    assert OwnKey.objects.get().base_url == "https://api.example.org/v1"
    for url in ("https://api.example.org", "https://api.example.org/v1?", "http://127.0.0.1/v1"):
        with pytest.raises(ValidationError, match="not offered here"):
            save_own_key(person=alice, key=KEYS[0], base_url=url)


@pytest.mark.parametrize(
    ("key", "hint"), [("sk-proj-0123456789-abcd", "…abcd"), ("short-key", "…")]
)
def test_hint_is_too_little_to_be_of_use(key: str, hint: str, alice: User) -> None:
    assert save_own_key(person=alice, key=key).hint == hint
