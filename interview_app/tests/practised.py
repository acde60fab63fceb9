"""What somebody has after a few practices, made over the API of a running copy: a test that only
looks at screens need not click through all of them."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import APIRequestContext

from interview_app.models import MAX_QUESTIONS
from interview_app.tests.conftest import RunningApp
from interview_app.tests.samples import BILLING_POSTING, MARA_RESUME, MEDIUM_ANSWER, STRONG_ANSWER

PATIENCE_SECONDS = 120
RESET_LINK = """
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from interview_app.public_ids import public_id_of
person = User.objects.get(username="{}")
token = default_token_generator.make_token(person)
print(reverse("reset_link", args=[public_id_of(person), token]))
"""


class Practised:
    """A person's practices; `ask` sends without anybody's cookies."""

    def __init__(self, ask: APIRequestContext, app: RunningApp) -> None:
        self._ask, self._app = ask, app
        signed_in = self._send("auth/login/", username=app.username, password=app.password)
        self._headers = {"Authorization": f"Token {signed_in['token']}"}
        self.finished = self._start()
        for question in self.finished["questions"]:
            self._answer(question, MEDIUM_ANSWER)
        first = self.finished["questions"][0]["id"]
        self._answered(self.finished)
        self._send(f"questions/{first}/second-opinion/")
        self._send(f"questions/{first}/follow-up/")
        self._answered(self.finished)
        self.finished = self._finish(self.finished)
        self.retaken = self._send(f"sessions/{self.finished['id']}/retake/")
        self.retaken = self._answered(self.retaken)
        for question in self.retaken["questions"]:
            self._answer(question, MEDIUM_ANSWER)
            self._answer(question, STRONG_ANSWER)
        self.retaken = self._finish(self._answered(self.retaken))
        self.open = self._start()
        self.real = self._start(mode="real")
        self.failing = self._start(question_count=MAX_QUESTIONS)

    def reset_link(self) -> str:
        """Where the mail to who forgot the password leads."""
        return self._app.run(RESET_LINK.format(self._app.username)).strip()

    def _start(self, **choices: Any) -> Any:
        asked = {
            "role": "Senior Backend Engineer",
            "job_description": BILLING_POSTING,
            "resume_text": MARA_RESUME,
            "question_count": 2,
        }
        return self._answered(self._send("sessions/", **asked | choices))

    def _answer(self, question: Any, text: str) -> None:
        self._send(f"questions/{question['id']}/answer/", text=text)

    def _finish(self, session: Any) -> Any:
        self._send(f"sessions/{session['id']}/finish/")
        return self._answered(session)

    def _answered(self, session: Any) -> Any:
        """The session, once nothing of it is under way."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = self._json(
                self._ask.get(self._path(f"sessions/{session['id']}/"), **self._as())
            )
            if all(each["status"] == "completed" for each in found["operations"]):
                return found
            assert time.monotonic() < end, found["operations"]
            time.sleep(0.3)

    def _send(self, path: str, **body: Any) -> Any:
        return self._json(self._ask.post(self._path(path), data=body, **self._as()))

    def _as(self) -> dict[str, Any]:
        return {"headers": getattr(self, "_headers", {})}

    def _path(self, path: str) -> str:
        return f"{self._app.url}/api/v1/{path}"

    def _json(self, answer: Any) -> Any:
        assert answer.ok, f"{answer.url}: {answer.status} {answer.text()[:500]}"
        return answer.json()
