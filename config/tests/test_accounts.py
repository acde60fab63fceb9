from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from config import accounts


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "databases.json"


@pytest.fixture
def empty_database(transactional_db: None) -> Iterator[None]:
    """The test database without a single table, and with all of them again afterwards."""
    cascade = "" if connection.vendor == "sqlite" else " CASCADE"
    with connection.constraint_checks_disabled(), connection.schema_editor() as editor:
        for table in connection.introspection.table_names():
            editor.execute(f'DROP TABLE "{table}"{cascade}')
    yield
    call_command("migrate", verbosity=0)


@pytest.mark.slow  # the empty database is migrated
def test_database_that_up_created_is_known_again(mark: Path, empty_database: None) -> None:
    accounts.note_empty_database(mark)
    call_command("migrate", verbosity=0)

    assert accounts.is_created_by_up(mark)
    accounts.note_empty_database(mark)
    assert accounts.is_created_by_up(mark)


@pytest.mark.slow
def test_start_that_was_cut_off_while_creating_is_taken_up(
    mark: Path, empty_database: None
) -> None:
    accounts.note_empty_database(mark)
    call_command("migrate", "contenttypes", verbosity=0)

    accounts.note_empty_database(mark)
    call_command("migrate", verbosity=0)

    assert accounts.is_created_by_up(mark)


@pytest.mark.django_db
def test_database_that_was_there_before_is_not_ours(mark: Path) -> None:
    accounts.note_empty_database(mark)

    assert not accounts.is_created_by_up(mark)


@pytest.mark.django_db
def test_another_database_in_the_place_of_ours_is_not_ours(mark: Path) -> None:
    mark.write_text(f'{{"{accounts._database_name()}": "being created"}}')
    assert accounts.is_created_by_up(mark)

    first = MigrationRecorder(connection).migration_qs.earliest("id")
    first.applied = first.applied.replace(year=2001)
    first.save()

    assert not accounts.is_created_by_up(mark)


@pytest.mark.django_db
def test_accounts_are_made_once_and_keep_their_passwords(tmp_path: Path) -> None:
    first = accounts.keep_accounts(tmp_path)
    second = accounts.keep_accounts(tmp_path)

    assert first == second
    assert get_user_model().objects.count() == 2
    for account, is_admin in zip(first, (False, True), strict=True):
        user = authenticate(username=account.username, password=account.password)
        assert user is not None
        assert (user.is_staff, user.is_superuser) == (is_admin, is_admin)
    assert first[0].password != first[1].password


@pytest.mark.django_db
def test_password_that_somebody_changed_is_the_printed_one_again(tmp_path: Path) -> None:
    demo, _ = accounts.keep_accounts(tmp_path)
    user = get_user_model().objects.get(username="demo")
    user.set_password("forgotten since")
    user.save()

    accounts.keep_accounts(tmp_path)

    assert authenticate(username="demo", password=demo.password) == user
