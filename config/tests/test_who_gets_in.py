"""Every route and method, and what each sort of person is answered: the table is `who_gets_in.txt`.

A route without a row fails, and so does a row without a route. Methods that no row names are
refused: 405, and to who is not signed in also 401 or the way to the sign-in. A failing test prints
the rows as they would have to be. They are to be read before they are put into the table: a number
that becomes 200 lets somebody in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from interview_app.api.tokens import new_token
from interview_app.models import AccessToken
from interview_app.public_ids import public_id_of
from interview_app.sharing import share_session, token_of
from interview_app.tests.factories import (
    DraftFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    JobPostingFactory,
    QuestionFactory,
    ResumeFactory,
    RubricVersionFactory,
    SessionSummaryFactory,
    StoryFactory,
)
from operations.models import BulkAction, ProviderCapability, ProviderContact
from operations.services import save_own_key
from operations.tests.factories import (
    AttemptFactory,
    OperationEventFactory,
    OperationFactory,
    ProviderPauseFactory,
    ProviderRateFactory,
    UserFactory,
    WorkerHeartbeatFactory,
)

# Two and a half thousand requests in the admin alone.
pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(600)]

TABLE = Path(__file__).parent / "who_gets_in.txt"
PEOPLE = ("owner", "other", "anonymous", "operator", "admin")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PASSWORD = "correct horse"
BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/auth/register/": {"username": "new", "password": "three green bicycles"},
    "/api/v1/auth/login/": {"username": "alice", "password": PASSWORD},
    "/api/v1/auth/logout-everywhere/": {"password": PASSWORD},
    "/api/v1/me/": {"email": "new@example.org", "password": PASSWORD},
    "/api/v1/me/account/": {"password": PASSWORD},
    "/api/v1/me/api-key/": {"key": "a-key-of-theirs-for-tests"},
    "/api/v1/me/resume/": {"text": "Ran kitchens.", "entries": []},
    "/api/v1/job-postings/": {"title": "Cook", "description": "Soups."},
    "/api/v1/job-postings/<uuid:pk>/": {"title": "Cook", "description": "Soups."},
    "/api/v1/sessions/": {"role": "Cook"},
    "/api/v1/questions/<uuid:pk>/draft/": {"text": "I began"},
    "/api/v1/questions/<uuid:pk>/answer/": {"text": "No."},
    "/practice/new/": {
        "role": "Cook",
        "seniority": "mid",
        "question_count": 3,
        "interview_type": "mixed",
        "mode": "practice",
        "language": "en",
    },
    "/questions/<uuid:question_id>/": {"text": "No."},
    "/questions/<uuid:question_id>/draft/": {"text": "I began"},
    "/questions/<uuid:question_id>/insert/": {"text": "I began"},
    "/practice/<uuid:session_id>/plan/": {"text": "Why us?"},
    "/stories/new/": {"title": "Soup", "text": "It was cold."},
    "/stories/<uuid:story_id>/": {"title": "Soup", "text": "It was cold."},
    "/account/profile/": {"username": "somebody.else", "password": PASSWORD},
    "/language/": {"language": "de"},
    "/account/delete/": {"password": PASSWORD},
    "/account/key/": {"key": "a-key-of-theirs-for-tests"},
    "/sign-out/everywhere/": {"password": PASSWORD},
    "/password/forgotten/": {"email": "nobody@example.org"},
    "/sign-in/": {"username": "alice", "password": PASSWORD},
    "/resume/": {"resume_text": "Ran kitchens."},
    "/resume/entries/": {"entries-TOTAL_FORMS": "0", "entries-INITIAL_FORMS": "0"},
}


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[str]:
    for each in patterns:
        path = prefix + str(each.pattern).removeprefix("^").removesuffix("$")
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, path)
        else:
            yield path


ROUTES = set(routes(get_resolver().url_patterns))
Answers = tuple[str, ...]
"""One for each of PEOPLE."""


def table() -> dict[tuple[str, str], Answers]:
    rows = {}
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            methods, path, *answers = line.split()
            assert len(answers) == len(PEOPLE), line
            rows.update({(method, path): tuple(answers) for method in methods.split(",")})
    return rows


def is_refusal(answers: Answers) -> bool:
    """Nobody gets anything by this method."""
    for_people = {
        answer for name, answer in zip(PEOPLE, answers, strict=True) if name != "anonymous"
    }
    return for_people == {"405"} and set(answers) <= {"405", "401", "sign-in"}


class World:
    """Alice's things, and everybody who may want to look at them."""

    def __init__(self) -> None:
        alice = UserFactory(username="alice")
        staff = UserFactory(username="operator", is_staff=True)
        staff.groups.add(Group.objects.get(name="Operators (read only)"))
        people = {
            "owner": alice,
            "other": UserFactory(username="bob"),
            "operator": staff,
            "admin": UserFactory(username="admin", is_staff=True, is_superuser=True),
        }
        new_token(alice)
        finished = InterviewSessionFactory(owner=alice, finished=True)
        session = InterviewSessionFactory(owner=alice, retake_of=finished)
        feedback = FeedbackFactory(
            answer__question=QuestionFactory(session=session), not_scored=True
        )
        ResumeFactory(owner=alice)
        save_own_key(person=alice, key="a-key-of-alice-for-tests")
        operation = OperationFactory(owner=alice, session_id=session.pk, failed=True)
        AttemptFactory(operation=operation)
        OperationEventFactory(operation=operation)
        ProviderPauseFactory()
        _meet_a_provider()
        RubricVersionFactory()
        WorkerHeartbeatFactory()
        DraftFactory(question=feedback.answer.question)
        SessionSummaryFactory(session=finished)
        self.share_token = token_of(share_session(session=finished))
        self.ids = {
            "session": session.pk,
            "question": feedback.answer.question.pk,
            "answer": feedback.answer.pk,
            "earlier": feedback.answer.pk,
            "operation": operation.pk,
            "person": public_id_of(alice),
            "story": StoryFactory(owner=alice).pk,
            "token": AccessToken.objects.get().pk,
            "job-posting": JobPostingFactory(owner=alice).pk,
            "cancellable": OperationFactory(owner=alice, subject_type="elsewhere").pk,
        }
        BulkAction.objects.create(verb="retry", actor=people["admin"])
        self.cookies = {name: _cookies(person) for name, person in people.items()}

    def answers(self, path: str, method: str) -> Answers:
        return tuple(self._answer(name, path, method) for name in PEOPLE)

    def _answer(self, person: str, path: str, method: str) -> str:
        """The status, or "sign-in" for being led there. Nothing of what is done stays."""
        client, body = Client(), BODIES.get(path, {})
        client.cookies = SimpleCookie(self.cookies.get(person))
        send, address = getattr(client, method.lower()), self._filled(path)
        with transaction.atomic():
            if path.startswith("/api/") and method != "GET":
                answer = send(address, json.dumps(body), content_type="application/json")
            else:
                answer = send(address, body if method == "POST" else {})
            if answer.streaming:
                b"".join(answer.streaming_content)
            transaction.set_rollback(True)
        led_to = answer.headers.get("Location", "")
        is_led = led_to.startswith(("/sign-in/?next=", "/admin/login/?next="))
        return "sign-in" if is_led else str(answer.status_code)

    def _filled(self, path: str) -> str:
        return re.sub(
            r"\(\?P<(\w+)>([^)]*)\)|<(?:\w+:)?(\w+)>",
            lambda match: match[2].split("|")[0] if match[2] else self._id(path, match[3]),
            path,
        )

    def _id(self, path: str, parameter: str) -> str:
        parts = path.split("/")
        if parts[1] == "admin":
            return _first_key(*parts[2:4]) if parameter in ("object_id", "pk", "id") else "1"
        if parts[1] == "shared":
            return self.share_token
        kind = parameter.removesuffix("_id")
        if parameter == "pk":
            kind = parts[parts.index("<uuid:pk>") - 1].removesuffix("s")
        return str(self.ids["cancellable" if path.endswith("/cancel/") else kind])


def _meet_a_provider() -> None:
    learned = {"credential": "https://api.example.org#1", "model": "m"}
    now = timezone.now()
    ProviderCapability.objects.create(**learned, rung="prompt", learned_at=now, expires_at=now)
    ProviderContact.objects.create(**learned, at=now, report=[])
    ProviderRateFactory()


def _first_key(app: str, model: str = "") -> str:
    if app == "r":
        return "1"
    row = apps.get_model(app, model)._base_manager.order_by("pk").first()
    return str(row.pk) if row else "1"


def _cookies(person: User) -> dict[str, str]:
    client = Client()
    client.force_login(person)
    return {name: morsel.value for name, morsel in client.cookies.items()}


@pytest.mark.parametrize("area", ["/admin/", "/api/", "/"], ids=["admin", "API", "pages"])
def test_everybody_gets_what_the_table_says(area: str) -> None:
    world, rows = World(), table()

    wrong = []
    for path in sorted(filter(lambda path: area_of(path) == area, ROUTES)):
        for method in METHODS:
            answers, expected = world.answers(path, method), rows.get((method, path))
            if answers != expected and not (expected is None and is_refusal(answers)):
                wrong.append(" ".join((method, path, *answers)))

    assert wrong == [], "\n".join(wrong)


def area_of(path: str) -> str:
    return next(area for area in ("/admin/", "/api/", "/") if path.startswith(area))


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert {path for _, path in table()} == ROUTES
