"""Keys of people in rows: which key encrypts, which decrypt, and how the rows follow a new one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from pytest_django import Settings

from operations import encryption
from operations.encryption import Undecryptable
from operations.models import OwnKey
from operations.services import save_own_key
from operations.tests.factories import UserFactory
from operations.tests.test_commands import report
from operations.tests.test_doctor import examine

KEY = "sk-proj-0123456789-of-a-person"
OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture(autouse=True)
def old_key(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEY = (OLD,)


def test_what_is_encrypted_can_be_decrypted_and_does_not_hold_it() -> None:
    token = encryption.encrypt(KEY)

    assert encryption.decrypt(token) == KEY
    assert KEY not in token
    assert encryption.encrypt(KEY) != token, "two people with one key are not seen to have one"


def test_first_key_encrypts_and_all_decrypt(settings: Settings) -> None:
    old = encryption.encrypt(KEY)
    settings.FIELD_ENCRYPTION_KEY = (NEW, OLD)
    new = encryption.encrypt(KEY)

    assert [encryption.number_of_key(token) for token in (new, old)] == [0, 1]
    assert encryption.decrypt(old) == encryption.decrypt(new) == KEY
    assert encryption.number_of_key(encryption.reencrypt(old)) == 0


@pytest.mark.parametrize("spoil", [lambda token: token[:-4] + "AAA=", lambda token: "no token"])
def test_what_no_key_made_is_refused(spoil: Callable[[str], str]) -> None:
    token = spoil(encryption.encrypt(KEY))

    assert encryption.number_of_key(token) is None
    with pytest.raises(Undecryptable):
        encryption.decrypt(token)


@pytest.mark.django_db
def test_command_encrypts_anew_and_the_old_key_can_go(settings: Settings) -> None:
    people = [UserFactory(), UserFactory()]
    for person in people:
        save_own_key(person=person, key=KEY)
    settings.FIELD_ENCRYPTION_KEY = (NEW, OLD)

    assert report("rotate_field_encryption", "--dry-run")[1]["changed"] == 2
    assert numbers() == [1, 1], "a dry run changes nothing"

    code, said = report("rotate_field_encryption")

    assert (code, said) == (0, {"matched": 2, "changed": 2, "skipped": []})
    settings.FIELD_ENCRYPTION_KEY = (NEW,)
    assert {encryption.decrypt(each.encrypted) for each in OwnKey.objects.all()} == {KEY}
    assert report("rotate_field_encryption")[0] == 3, "nothing is left"


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_command_and_doctor_name_what_no_key_decrypts(
    arguments: tuple[str, ...], settings: Settings
) -> None:
    lost, kept = UserFactory(), UserFactory()
    save_own_key(person=kept, key=KEY)
    settings.FIELD_ENCRYPTION_KEY = (OTHER,)
    save_own_key(person=lost, key=KEY)
    settings.FIELD_ENCRYPTION_KEY = (NEW, OLD)

    code, said = report("rotate_field_encryption", *arguments)

    assert (code, said["matched"], said["changed"]) == (4, 2, 1)
    assert [each["id"] for each in said["skipped"]] == [str(lost.pk)]
    assert "FIELD_ENCRYPTION_KEY" in said["skipped"][0]["reason"]
    code, findings = examine()
    assert code == 1
    assert findings["own keys"]["found"] == "1 of 2 cannot be decrypted"


@pytest.mark.django_db
def test_command_leaves_a_key_that_was_saved_while_it_ran(settings: Settings) -> None:
    person, newer = UserFactory(), "sk-another-key-0123456789"
    save_own_key(person=person, key=KEY)
    settings.FIELD_ENCRYPTION_KEY = (NEW, OLD)
    left = [newer]

    def save_meanwhile(execute: Any, sql: str, *rest: Any) -> Any:
        if left and sql.startswith("UPDATE"):
            OwnKey.objects.update(encrypted=encryption.encrypt(left.pop()))
        return execute(sql, *rest)

    with connection.execute_wrapper(save_meanwhile):
        code, said = report("rotate_field_encryption")

    assert (code, said["skipped"][0]["reason"]) == (1, "was saved or deleted meanwhile")
    assert encryption.decrypt(OwnKey.objects.get().encrypted) == newer


def numbers() -> list[int | None]:
    return [encryption.number_of_key(each.encrypted) for each in OwnKey.objects.all()]
