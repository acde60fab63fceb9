"""docs/api.md, run as it stands: a program that has only curl gets from an account to a summary."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from interview_app.api import urls as interview_urls
from interview_app.tests.conftest import RunningApp
from operations.api import urls as operation_urls

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "api.md"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_commands_of_the_documentation_lead_to_a_summary(
    running_app: RunningApp, tmp_path: Path
) -> None:
    blocks = BLOCK.findall(DOCUMENT.read_text(encoding="utf-8"))

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=tmp_path,
        env={**os.environ, "BASE": f"{running_app.url}/api/v1"},
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    session = json.loads((tmp_path / "session.json").read_text(encoding="utf-8"))
    assert session["status"] == "finished"
    assert len(session["questions"]) == 5
    assert all(question["feedback"]["score"] is not None for question in session["questions"])
    assert session["summary"]["missing"] == []
    assert session["summary"]["text"]
    assert session["simulated"] is True
    assert "\n304\n" in done.stdout
    assert '"code":"NOT_RETRYABLE"' in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    "route",
    [str(each.pattern) for each in (*interview_urls.urlpatterns, *operation_urls.urlpatterns)],
)
def test_documentation_names_every_route(route: str) -> None:
    path = route.replace("<uuid:pk>", "{id}")

    assert f" {path}`" in DOCUMENT.read_text(encoding="utf-8")
