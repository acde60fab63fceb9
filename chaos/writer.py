"""A candidate who types on while everything around dies: answers through the web API.

Every answer that was confirmed with 201 is noted with its text. A request that got no answer is
sent again with the same Idempotency-Key, as a careful client does.
"""

from __future__ import annotations

import http.client
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from chaos.threads import CampaignThread

REQUEST_SECONDS = 10.0
QUESTIONS_WITHIN_SECONDS = 60.0
ANSWERS_PER_SESSION = 12

SENTENCES = (
    "Last spring our queue stopped and I was the one who was on call for it.",
    "Ich habe zuerst gemessen, dann geändert – und danach noch einmal gemessen.",
    "We agreed on one number, the share of late letters, and it fell to 3 % (from 11 %).",
    "«Nobody reads that page», I said, and then I showed them the log.\r\n",
    "\tMy part was small: a test that failed, and a patience that did not. 🐢",
    "Zoe\u0308 and I wrote it down e\u0301 voilà; it is still on the wall <b>today</b> & tomorrow.",
)


class NoAnswer(Exception):
    """The server said nothing usable in time: nobody knows whether it did what was asked."""


@dataclass
class Client:
    """One person's token and one request at a time."""

    port: int
    token: str = ""
    asked: int = 0
    """Begins and ends of requests: both meet what is wrong just then."""

    def send(
        self, method: str, path: str, body: dict[str, Any] | None = None, key: str = ""
    ) -> tuple[int, Any]:
        """Status and JSON. Raises NoAnswer where the server is dead, stopped or answers 5xx."""
        self.asked += 1
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Token {self.token}"
        if key:
            headers["Idempotency-Key"] = key
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_SECONDS)
        try:
            connection.request(
                method, f"/api/v1/{path}", json.dumps(body) if body is not None else None, headers
            )
            response = connection.getresponse()
            data = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoAnswer from error
        finally:
            connection.close()
            self.asked += 1
        if response.status >= 500:
            raise NoAnswer
        return response.status, data


@dataclass
class Written:
    """What was typed, and what the server confirmed: {answer id: text}."""

    sent: set[str] = field(default_factory=set)
    confirmed: dict[str, str] = field(default_factory=dict)
    repeated: int = 0
    sessions: int = 0


class AnswerWriter(CampaignThread):
    """Starts sessions and answers their questions until told to stop."""

    def __init__(self, *, port: int, seed: int, pause_seconds: float = 0.3) -> None:
        super().__init__("writer")
        self.written = Written()
        self._client = Client(port)
        self._dice = random.Random(seed)  # noqa: S311
        self._pause_seconds = pause_seconds

    @property
    def asked(self) -> int:
        """How often the web server was asked for something."""
        return self._client.asked

    def work(self) -> None:
        while not self.ending.is_set() and not self._register():
            self.ending.wait(0.5)
        while not self.ending.is_set():
            self._hold_session()

    def _register(self) -> bool:
        name = f"chaos-{uuid4().hex[:12]}"
        body = {"username": name, "email": f"{name}@example.org", "password": uuid4().hex}
        try:
            status, data = self._client.send("POST", "auth/register/", body)
        except NoAnswer:
            return False
        if status != 201:
            raise AssertionError(f"registration was refused: {status} {data}")
        self._client.token = data["token"]
        return True

    def _hold_session(self) -> None:
        session = self._post("sessions/", {"role": "Night operator", "question_count": 3})
        questions = self._questions(session["id"]) if session else []
        for _ in range(ANSWERS_PER_SESSION if questions else 0):
            if self.ending.wait(self._dice.expovariate(1 / self._pause_seconds)):
                return
            self._answer(self._dice.choice(questions))

    def _questions(self, session_id: str) -> list[str]:
        """Empty where they will not come, after too many lost workers, or did not come in time: the
        workers may be dead for a while."""
        self.written.sessions += 1
        end = time.monotonic() + QUESTIONS_WITHIN_SECONDS
        while time.monotonic() < end and not self.ending.wait(0.3):
            try:
                _, session = self._client.send("GET", f"sessions/{session_id}/")
            except NoAnswer:
                continue
            if session["questions"]:
                return [question["id"] for question in session["questions"]]
            if any(each["status"] in ("failed", "cancelled") for each in session["operations"]):
                break
        return []

    def _answer(self, question_id: str) -> None:
        text = self._text()
        self.written.sent.add(text)
        made = self._post(f"questions/{question_id}/answer/", {"text": text})
        if made:
            self.written.confirmed[made["answer"]["id"]] = text

    def _text(self) -> str:
        words = self._dice.sample(SENTENCES, self._dice.randint(2, len(SENTENCES)))
        padding = " " * self._dice.randint(0, 2)
        return f"{padding}{' '.join(words)} ({uuid4().hex}){padding}\n"

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        """The object that was made, or None where the campaign ended before anybody answered."""
        key = uuid4().hex
        while True:
            try:
                status, data = self._client.send("POST", path, body, key)
            except NoAnswer:
                self.written.repeated += 1
                if self.ending.wait(0.3):
                    return None
                continue
            if status == 201:
                return data
            if status != 409:  # 409: our first request with this key still runs
                raise AssertionError(f"POST {path} was refused: {status} {data}")
            self.ending.wait(0.3)
