"""What the Dockerfile says, done without Docker: its steps in a directory of a test, then its web
server, and compose's migration and worker, under an account that can write to /tmp alone.

Left out: the base image, and the installation of the requirements, which is the suite's own.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from config.tests.dockerfile import stages
from config.tests.production import Production
from config.tests.test_environment import PRODUCTION
from interview_app.tests.samples import STRONG_ANSWER
from operations.tests.ports import free_port
from operations.tests.private_postgresql import PrivatePostgreSQL
from operations.tests.private_redis import PrivateRedis

pytestmark = [
    pytest.mark.slow,
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.timeout(300),
]

DEPLOY = Path(settings.BASE_DIR) / "deploy"
BUILD, IMAGE = stages(DEPLOY / "Dockerfile")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
PATIENCE_SECONDS = 90
# Root without its powers is an account like any other, and may read where the interpreter is.
WITHOUT_POWERS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
CONFINED = WITHOUT_POWERS if os.geteuid() == 0 else []


@dataclass
class Image:
    place: Path
    variables: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.place.parent / "log"

    def start(self, command: list[str]) -> subprocess.Popen[bytes]:
        """As `docker run --read-only --tmpfs /tmp`: nothing of this process's environment."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*CONFINED, *command],
                cwd=self.place,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def run(self, command: list[str]) -> int:
        return self.start(command).wait(PATIENCE_SECONDS)


def build(place: Path) -> None:
    place.mkdir()
    for step in BUILD:
        if step.name == "COPY":
            source = step.words[0]
            shutil.copytree(
                Path(settings.BASE_DIR) / source,
                place / step.words[1],
                ignore=left_out,
                dirs_exist_ok=True,
            )
        elif step.name == "RUN" and "pip install" in step.rest:
            (place / ".venv").symlink_to(sys.prefix)
        elif step.name == "RUN":
            clean = {"PATH": os.environ["PATH"]}
            subprocess.run(step.rest, shell=True, cwd=place, env=clean, check=True)  # noqa: S602
    for path in place.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    place.chmod(0o555)


def left_out(directory: str, names: list[str]) -> list[str]:
    """By the rules of Dockerfile.dockerignore: all but what is named, and some of that."""
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    taken = {line[1:] for line in lines if line.startswith("!")}
    never = [line.removeprefix("**/") for line in lines if line.startswith("**/")]
    at_the_root = Path(directory) == Path(settings.BASE_DIR)
    return [
        name
        for name in names
        if any(fnmatch.fnmatch(name, each) for each in never) or (at_the_root and name not in taken)
    ]


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Image]:
    built = Image(tmp_path / "practice")
    build(built.place)
    (tmp_path / "tmp").mkdir()
    of_image = dict(
        word.split("=", 1) for each in IMAGE if each.name == "ENV" for word in each.words
    )
    of_image["PATH"] = of_image["PATH"].replace("/srv/practice", str(built.place))
    of_image["PATH"] = of_image["PATH"].replace("$PATH", os.environ["PATH"])
    with PrivatePostgreSQL() as server, PrivateRedis() as redis:
        server.execute("CREATE DATABASE practice")
        built.variables = {
            **of_image,
            **PRODUCTION,
            "DJANGO_SECRET_KEY": "of-a-container-that-a-test-started-0123456789",
            "DATABASE_URL": server.url("practice"),
            "REDIS_URL": redis.url,
            "REGISTRATION_OPEN": "true",
            "SIMULATED_PROVIDER": "true",
            "SIMULATED_LATENCY_SECONDS": "0",
            "OPERATIONS_WORKERS": "1",
            # Tests listen on loopback alone, and /tmp is other tests' as well.
            "BIND": "127.0.0.1",
            "PORT": str(free_port()),
            "TMPDIR": str(tmp_path / "tmp"),
        }
        try:
            yield built
        finally:
            for process in built.running:
                if process.poll() is None:
                    process.kill()
            built.place.chmod(0o755)


def wait_for(condition: Callable[[], Any], image: Image) -> Any:
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, image.log.read_text()[-4000:]
        time.sleep(0.2)
    return found


def test_image_practises_with_nothing_to_write_to_but_tmp(image: Image, tmp_path: Path) -> None:
    assert image.run(["touch", "config/written"]) != 0, "it could write where it must not"
    assert image.run(COMPOSE["migrate"]["command"]) == 0, image.log.read_text()

    web = image.start(next(each.words for each in IMAGE if each.name == "CMD"))
    worker = image.start(COMPOSE["worker"]["command"])
    health = next(each.words for each in IMAGE if each.name == "HEALTHCHECK")
    wait_for(lambda: image.run(health) == 0, image)
    door = Production(tmp_path, int(image.variables["PORT"]))
    wait_for(lambda: door.ask("GET", "/readyz").data["status"] == "ok", image)
    page = door.ask("GET", "/").body.decode()
    assert re.search(r"/static/[^\"]+\.[0-9a-f]{12}\.css", page), "they were collected"
    practise(door, image)

    for process in (web, worker):
        process.terminate()
    grace_seconds = float(COMPOSE["web"]["stop_grace_period"].removesuffix("s"))
    assert [process.wait(grace_seconds) for process in (web, worker)] == [0, 0]
    assert "PermissionError" not in image.log.read_text(), "nobody tried to write elsewhere"


def practise(door: Production, image: Image) -> None:
    ask = door.somebody_new("mara", "three green bicycles")
    session = ask("POST", "sessions/", {"role": "Night operator", "question_count": 1})
    path = f"sessions/{session['id']}/"
    (question,) = wait_for(lambda: ask("GET", path)["questions"], image)
    ask("POST", f"questions/{question['id']}/answer/", {"text": STRONG_ANSWER})
    wait_for(lambda: ask("GET", path)["questions"][0]["feedback"], image)
