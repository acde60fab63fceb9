"""The two accounts that `manage.py up` makes, and the one database it may make them in.

Known passwords belong in a database that holds nobody's data. So `up` leaves a mark when it creates
one, and the mark holds the moment of that database's first migration: another database at the same
place, a copy of production say, has another moment and gets no accounts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from config.local import kept_secret, new_password

BEING_CREATED = "being created"


@dataclass(frozen=True)
class Account:
    username: str
    password: str


def note_empty_database(mark: Path) -> None:
    """Call before migrating. An empty database is about to become ours."""
    if not connection.introspection.table_names():
        _write(mark, BEING_CREATED)


def is_created_by_up(mark: Path) -> bool:
    """Call after migrating. Completes the mark of a database that has just been created."""
    noted = _read(mark)
    if noted == BEING_CREATED:
        _write(mark, _first_migration())
        return True
    return noted == _first_migration()


def keep_accounts(directory: Path) -> tuple[Account, Account]:
    """Both accounts, with the passwords of `directory`: set again if somebody changed them."""
    demo = Account("demo", kept_secret(directory / "password_demo", new_password()))
    admin = Account("admin", kept_secret(directory / "password_admin", new_password()))
    _keep(demo, is_admin=False)
    _keep(admin, is_admin=True)
    return demo, admin


def _keep(account: Account, *, is_admin: bool) -> None:
    user, is_new = get_user_model().objects.get_or_create(
        username=account.username, defaults={"is_staff": is_admin, "is_superuser": is_admin}
    )
    if is_new or not user.check_password(account.password):
        user.set_password(account.password)
        user.save(update_fields=["password"])


def _database_name() -> str:
    parts = (connection.settings_dict[key] for key in ("ENGINE", "HOST", "PORT", "NAME"))
    return " ".join(str(part) for part in parts)


def _first_migration() -> str:
    applied: datetime = MigrationRecorder(connection).migration_qs.earliest("id").applied
    return applied.isoformat()


def _read(mark: Path) -> str | None:
    if not mark.exists():
        return None
    noted: str | None = json.loads(mark.read_text()).get(_database_name())
    return noted


def _write(mark: Path, state: str) -> None:
    databases = json.loads(mark.read_text()) if mark.exists() else {}
    mark.write_text(json.dumps({**databases, _database_name(): state}, indent=2))
