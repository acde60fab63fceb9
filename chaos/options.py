"""What a campaign is asked to do, as the command line says it and as its process gets it."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from chaos.backends import BACKENDS, Backend, Ports
from chaos.servers import free_port
from config.environment import VARIABLES

ROOT = Path(__file__).resolve().parent.parent
LEASE_SECONDS = 2.5


@dataclass(frozen=True)
class Options:
    backend: str
    kind: str
    """`kill`: random signals for every process. `infrastructure`: faults of what surrounds them as
    well. `pause`: drains are stopped for longer than their lease."""
    seconds: float
    seed: int
    directory: str
    database_port: int
    broker_port: int
    pooler_port: int
    provider_port: int
    web_port: int

    def make_backend(self) -> Backend:
        backend = BACKENDS[self.backend]
        ports = Ports(self.database_port, self.broker_port, self.pooler_port)
        return backend(Path(self.directory), ports)

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def make_options(*, backend: str, kind: str, seconds: float, seed: int, directory: Path) -> Options:
    """With five ports that are free now."""
    return Options(
        backend=backend,
        kind=kind,
        seconds=seconds,
        seed=seed,
        directory=str(directory),
        database_port=free_port(),
        broker_port=free_port(),
        pooler_port=free_port(),
        provider_port=free_port(),
        web_port=free_port(),
    )


def environment(options: Options) -> dict[str, str]:
    """The product's environment in a campaign: nothing of the caller's settings gets in."""
    return {
        **_without_settings(os.environ),
        **options.make_backend().environment(),
        "DJANGO_SETTINGS_MODULE": "chaos.settings",
        "ENV_FILE": os.devnull,
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_ENCRYPTION_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "PORT": str(options.web_port),
        "OPENAI_BASE_URL": f"http://127.0.0.1:{options.provider_port}/v1",
        "OPENAI_API_KEY": "sk-proj-a-key-for-campaigns-only",
        "OPENAI_TIMEOUT_SECONDS": "10",
        "OPERATIONS_BACKOFF_BASE_SECONDS": "0.05",
        "OPERATIONS_DEADLINE_SECONDS": "30",
        "OPERATIONS_LEASE_SECONDS": str(LEASE_SECONDS),
        "OPERATIONS_WORKERS": "2",
        "OPERATIONS_SHUTDOWN_GRACE_SECONDS": "2",
        "MAX_UNFINISHED_OPERATIONS_PER_USER": "10000",
        "REGISTRATION_OPEN": "true",
        "EMAIL_URL": "dummymail://",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "INFO",
    }


def _without_settings(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name not in VARIABLES}
