"""What `manage.py up` has set up for development, the other commands find again as typed.

`up` leaves a mark in `.local/` once it has made a database of its own with DEBUG on. The mark
counts for single commands alone, never for what serves or works (`up`, the worker, the web
server's import), and only where nobody said anything of secrets or DEBUG and the database is the
one that `up` made. A production machine says all of these.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path

MARK = Path(".local", "development")
SERVERS = ("up", "operations_worker", "runserver")
SAID = ("DJANGO_DEBUG", "DJANGO_SECRET_KEY", "FIELD_ENCRYPTION_KEY")


def note(base_dir: Path, variables: Mapping[str, str]) -> None:
    (base_dir / MARK).write_text(_database(variables))


def forget(base_dir: Path) -> None:
    (base_dir / MARK).unlink(missing_ok=True)


def recall(variables: MutableMapping[str, str], *, base_dir: Path, argv: Sequence[str]) -> None:
    """Switches DEBUG on in `variables` for a command that may go on where `up` has begun."""
    if not _is_single_command(argv) or any(variables.get(name) for name in SAID):
        return
    mark = base_dir / MARK
    if mark.exists() and mark.read_text() == _database(variables):
        variables["DJANGO_DEBUG"] = "true"


def _is_single_command(argv: Sequence[str]) -> bool:
    return Path(argv[0]).name == "manage.py" and not set(argv[1:2]) & set(SERVERS)


def _database(variables: Mapping[str, str]) -> str:
    """A digest: its address may hold a password."""
    return hashlib.sha256(variables.get("DATABASE_URL", "").encode()).hexdigest()
