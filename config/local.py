"""Secrets and state of one development machine, in the untracked `.local/`.

Nothing here is for production: there the secrets come from the environment alone.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet
from django.core.management.utils import get_random_secret_key


def local_directory(base_dir: Path) -> Path:
    directory = base_dir / ".local"
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory


def secret_key(directory: Path) -> str:
    return kept_secret(directory / "django_secret_key", get_random_secret_key())


def field_encryption_key(directory: Path) -> str:
    return kept_secret(directory / "field_encryption_key", Fernet.generate_key().decode())


def kept_secret(path: Path, fresh: str) -> str:
    """The secret in `path`, or `fresh`, written there with mode 0600.

    Web server and workers may come here at the same moment: the first to link its file wins, and
    all of them read the winner's.
    """
    if not path.exists():
        descriptor, written = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w") as file:
            file.write(fresh)
        with contextlib.suppress(FileExistsError):
            os.link(written, path)
        os.unlink(written)
    return path.read_text().strip()


def new_password() -> str:
    return secrets.token_urlsafe(12)
