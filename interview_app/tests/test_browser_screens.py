"""Every screen, looked at in five ways: light and wide, dark and narrow, twice and four times as
large, and with letters twice as large. A route that is new has to be listed here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import AnonymousUser
from django.shortcuts import render
from django.test import RequestFactory
from playwright.sync_api import Browser, Page, Playwright, Route, expect

from interview_app.forms import FAILURES
from interview_app.refusals import HashingBusy
from interview_app.tests.conftest import (
    WAIT_MS,
    RunningApp,
    cookies_of_who_signed_in,
    opened_browser,
    started_app,
)
from interview_app.tests.looking import Load, double_text, found_by_axe, lost_text, too_wide
from interview_app.tests.practised import Practised
from interview_app.tests.samples import STRONG_ANSWER
from interview_app.urls import urlpatterns
from operations.errors import Category, category_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

CODE = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")
"""Of an error, as a card shows it."""
QUICK = {"OPERATIONS_BACKOFF_BASE_SECONDS": "0.1"}
VISITOR = {
    "home": "/",
    "example": "/example/",
    "sign_up": "/sign-up/",
    "login": "/sign-in/",
    "forgotten_password": "/password/forgotten/",
    "reset_password": "{reset_link}",
    "reset_link": "/password/forgotten/00000000-0000-4000-8000-000000000000/no-token/",
    "privacy": "/privacy/",
    "shared": "{shared}",
    "the API's page": "/api/docs/",
}
MEMBER = {
    "my_account": "/account/",
    "delete_account": "/account/delete/",
    "change_password": "/password/",
    "leave_everywhere": "/sign-out/everywhere/",
    "my_resume": "/resume/",
    "stories": "/stories/",
    "new_story": "/stories/new/",
    "story": "{story}",
    "my_practice": "/practice/",
    "my_progress": "/progress/",
    "new_practice": "/practice/new/?example=1",
    "plan": "/practice/{open}/plan/",
    "session": "/practice/{retaken}/",
    "session, nothing answered": "/practice/{open}/",
    "session, like the real thing": "/practice/{real}/",
    "question": "/questions/{open_question}/",
    "question, answered twice": "/questions/{retaken_question}/",
    "question, second opinion and follow-up": "/questions/{finished_question}/",
    "question, like the real thing": "/questions/{real_question}/",
    "summary": "/practice/{retaken}/summary/",
    "print_session": "/practice/{retaken}/print/",
    "compare_retake": "/practice/{retaken}/compare/",
    "compare_answers": "/answers/{later_answer}/compare/{earlier_answer}/",
    "delete_session": "/practice/{open}/delete/",
}
NO_SCREENS = {
    # Verbs: they lead to a screen.
    *("try_it", "logout", "save_key", "check_key", "delete_key", "save_profile"),
    *("choose_language", "revoke_tokens", "revoke_token", "correct_resume", "delete_resume"),
    *("delete_story", "ask_missing_questions", "finish_session", "retake_session"),
    *("share_session", "unshare_session", "draft", "move_question", "leave_out_question"),
    *("insert_story", "ask_follow_up", "ask_second_opinion", "insist", "retry_operation"),
    "cancel_operation",
    # Parts of a screen that it asks for again.
    *("session_live", "summary_live", "question_live"),
}
REFUSALS = (
    *("400", "403", "403_csrf", "404", "413", "429", "500", "503"),
    "interview_app/typed",  # of a question, after the sign-in has expired
)
"""Development shows technical pages in their place: these are put in by hand."""
SAID = {"refusal": HashingBusy(), "title": "You were signed out meanwhile", "typed": STRONG_ANSWER}


@dataclass(frozen=True)
class Look:
    context: dict[str, Any]
    letters_are_double: bool = False
    uses_axe: bool = False


LOOKS = {
    "light, wide": Look(
        {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}, uses_axe=True
    ),
    "dark, narrow": Look(
        {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}, uses_axe=True
    ),
    # What 1280 by 900 become at 200 %.
    "zoomed": Look({"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2}),
    # At 400 %, in the language with the longer words.
    "zoomed twice, German": Look({"viewport": {"width": 320, "height": 225}, "locale": "de-DE"}),
    "double letters": Look({"viewport": {"width": 1280, "height": 900}}, letters_are_double=True),
}


def test_every_route_is_looked_at() -> None:
    names = {str(each.name) for each in urlpatterns}

    assert names - {*VISITOR, *MEMBER} == NO_SCREENS


@pytest.fixture(scope="module")
def running_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with started_app(tmp_path_factory.mktemp("app"), **QUICK) as app:
        yield app


@pytest.fixture(scope="module")
def cookies(browser: Browser, running_app: RunningApp) -> list[Any]:
    return cookies_of_who_signed_in(browser, running_app)


@pytest.fixture(scope="module")
def places(
    browser: Browser, playwright: Playwright, running_app: RunningApp, cookies: list[Any]
) -> dict[str, str]:
    """What stands in braces above."""
    asking = playwright.request.new_context()
    made = Practised(asking, running_app)
    asking.dispose()
    retaken = made.retaken["questions"][0]
    with opened_browser(browser, running_app) as opened:
        opened.add_cookies(cookies)
        page = opened.new_page()
        return {
            "reset_link": made.reset_link(),
            "shared": _shared(page, made.retaken["id"]),
            "story": _story(page),
            **{name: getattr(made, name)["id"] for name in ("open", "retaken", "real")},
            **{
                f"{name}_question": getattr(made, name)["questions"][0]["id"]
                for name in ("open", "retaken", "finished", "real")
            },
            **{
                str(category): question["id"]
                for (category, _), question in zip(
                    FAILURES, made.failing["questions"], strict=False
                )
            },
            "earlier_answer": retaken["answers"][0]["id"],
            "later_answer": retaken["answers"][1]["id"],
        }


def _shared(page: Page, session: str) -> str:
    page.goto(f"/practice/{session}/summary/")
    page.get_by_role("button", name="Make a link").click()
    address = page.locator(".share .link a").get_attribute("href")
    assert address
    return urlsplit(address).path


def _story(page: Page) -> str:
    page.goto("/stories/new/")
    page.get_by_label("Title").fill("The night of the double charges")
    page.get_by_label("Your story").fill(STRONG_ANSWER)
    page.get_by_role("button", name="Save", exact=True).click()
    address = page.get_by_role("link", name="The night of the double charges").first
    return str(address.get_attribute("href"))


@contextmanager
def opened(browser: Browser, app: RunningApp, look: Look, cookies: list[Any]) -> Iterator[Page]:
    with browser.new_context(base_url=app.url, reduced_motion="reduce", **look.context) as context:
        context.set_default_timeout(WAIT_MS)
        context.add_cookies(cookies)
        yield context.new_page()


def faults_of(page: Page, look: Look) -> list[str]:
    if look.letters_are_double:
        double_text(page)
    lost = lost_text(page) + too_wide(page)
    if not look.uses_axe:
        return lost
    return lost + [f"{each['id']}: {each['nodes'][0]['html'][:150]}" for each in found_by_axe(page)]


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_every_screen_can_be_read(
    browser: Browser,
    running_app: RunningApp,
    cookies: list[Any],
    places: dict[str, str],
    look: Look,
) -> None:
    """And is light, ours alone, and without a complaint of the browser."""
    found = []

    for screens, whose in ((VISITOR, []), (MEMBER, cookies)):
        with opened(browser, running_app, look, whose) as page:
            load = Load(page, urlsplit(running_app.url).netloc)
            for name, address in screens.items():
                page.goto(address.format(**places), wait_until="load")
                faults = load.faults() if name != "reset_link" else []  # its status is 400
                found += [f"{name}: {fault}" for fault in faults + faults_of(page, look)]
                load.faults()

    assert found == [], "\n".join(found)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_every_refusal_can_be_read(
    browser: Browser, running_app: RunningApp, rf: RequestFactory, look: Look
) -> None:
    found = []

    with opened(browser, running_app, look, []) as page:
        for name in REFUSALS:
            page.route(f"**/{name}", fulfilled(refusal(rf, name)))
            page.goto(f"/{name}")
            expect(page.locator("h1")).to_be_visible()
            found += [f"{name}: {fault}" for fault in faults_of(page, look)]

    assert found == [], "\n".join(found)


def fulfilled(html: bytes) -> Callable[[Route], None]:
    return lambda route: route.fulfill(body=html, content_type="text/html")


def refusal(rf: RequestFactory, name: str) -> bytes:
    request = rf.get("/")
    request.user = AnonymousUser()
    return render(request, f"{name}.html", SAID).content


@pytest.mark.parametrize("category", [category for category, _ in FAILURES])
def test_each_failure_has_a_card_and_a_way_out(
    browser: Browser,
    running_app: RunningApp,
    cookies: list[Any],
    places: dict[str, str],
    category: Category,
) -> None:
    address = f"/questions/{places[category]}/"
    with opened(browser, running_app, LOOKS["light, wide"], cookies) as page:
        page.goto(address)
        page.get_by_role("textbox", name="Your answer").fill(STRONG_ANSWER)
        page.get_by_label("Show me a failure").select_option(category)
        page.get_by_role("button", name="Save and see feedback").click()
        expect(page.locator(".failure")).to_be_visible(timeout=WAIT_MS)

    card = []
    for look in LOOKS.values():
        with opened(browser, running_app, look, cookies) as page:
            page.goto(address)
            card.append(page.locator(".failure").inner_text())
            assert faults_of(page, look) == []

    with opened(browser, running_app, LOOKS["light, wide"], cookies) as page:
        page.goto(address)
        # Also ends the pause that a refused key brings.
        page.locator(".failure").get_by_role("button", name="Try again").click()
        expect(page.locator(".feedback")).to_be_visible(timeout=WAIT_MS)
    assert category_of(CODE.findall(card[0])[-1]) == category
