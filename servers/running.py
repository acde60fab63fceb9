"""Servers that nobody here wrote, each in an environment of its own below .local/servers."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".local" / "servers"


def is_installed(name: str) -> bool:
    return (ENVIRONMENTS / name / ".installed").exists()


def missing(name: str) -> str:
    command = {"model": "make model", "schemathesis": "make fuzz", "kit": "make kit"}.get(
        name, "make servers"
    )
    return f"{name} is not installed below .local/servers: {command}"


def program(name: str, command: str) -> str:
    folder = "node_modules/.bin" if name == "mock-llm" else "bin"
    return str(ENVIRONMENTS / name / folder / command)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: list[str],
    *,
    ready: str,
    log: Path,
    seconds: float = 90.0,
    environment: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """The server, until `ready` answers with any status; ended by its id."""
    # Without the product's own variables: some of these servers read DATABASE_URL too.
    clean = {
        k: v for k, v in os.environ.items() if not k.startswith(("DATABASE", "DJANGO", "OPENAI"))
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**clean, **(environment or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
        )
        try:
            wait_for(ready, process, log, seconds)
            yield
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except urllib.error.HTTPError as answer:
            answer.close()
        except OSError:
            time.sleep(0.3)
            continue
        return
    raise RuntimeError(f"{process.args!r} did not answer at {url}: {log.read_text()[-2000:]}")
