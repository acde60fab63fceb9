"""Whether there is room for what comes next: the database's file, or uploads and logs."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from django.db import connection

NO_ROOM_BYTES = 10 * 1024 * 1024
LITTLE_ROOM_BYTES = 500 * 1024 * 1024


def has_room_for_database() -> bool:
    """Where the database is a file beside us. A server has its own, and says so itself."""
    return connection.vendor != "sqlite" or _free_bytes(_database_directory()) >= NO_ROOM_BYTES


def is_nearly_full() -> bool:
    place = _database_directory() if connection.vendor == "sqlite" else Path(tempfile.gettempdir())
    return _free_bytes(place) < LITTLE_ROOM_BYTES


def _database_directory() -> Path:
    return Path(connection.settings_dict["NAME"]).parent


def _free_bytes(place: Path) -> int:
    return shutil.disk_usage(place).free
