"""A practice, its link for others, and the practice once more: wide and narrow, without JavaScript,
and with nothing but the keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from interview_app.tests.conftest import WAIT_MS, RunningApp, started_app
from interview_app.tests.looking import too_wide
from interview_app.tests.samples import MEDIUM_ANSWER, STRONG_ANSWER

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

MOST_TABS = 80
QUESTIONS = 2
NAME_OF_FOCUSED = """() => {
  const it = document.activeElement;
  const words = it.getAttribute("aria-label") || it.labels?.[0]?.innerText || it.innerText;
  return words.replace(/[*→]/g, "").trim();
}"""
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
WAYS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": WIDE},
    "narrow": {"viewport": NARROW},
    "no JavaScript": {"viewport": WIDE, "java_script_enabled": False},
    "keyboard alone": {"viewport": WIDE},
}


@pytest.fixture(scope="module")
def running_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with started_app(tmp_path_factory.mktemp("app")) as app:
        yield app


@dataclass
class Person:
    """Who does everything in one way, and looks whether pages fit."""

    page: Page
    uses_keyboard: bool

    def open(self, address: str) -> None:
        self.page.goto(address)

    def press(self, role: Any, name: str) -> None:
        if self.uses_keyboard:
            expect(self.page.get_by_role(role, name=name).first).to_be_visible()
            self._tab_to(name)
            self.page.keyboard.press("Enter")
        else:
            self.page.get_by_role(role, name=name).first.click()

    def write(self, label: str, words: str) -> None:
        if self.uses_keyboard:
            self._tab_to(label)
            self.page.keyboard.press("ControlOrMeta+a")
            self.page.keyboard.insert_text(words)
        else:
            labelled = self.page.get_by_label(re.compile(f"^{label}"))
            self.page.locator("input, textarea").and_(labelled).fill(words)

    def sees(self, selector: str, *, count: int = 1) -> None:
        """Waits for it."""
        expect(self.page.locator(selector)).to_have_count(count, timeout=WAIT_MS)
        assert too_wide(self.page) == []

    def _tab_to(self, name: str) -> None:
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(NAME_OF_FOCUSED).startswith(name):
                return
        raise AssertionError(f"{name} was not reached")


@pytest.fixture(params=WAYS)
def person(
    request: pytest.FixtureRequest, browser: Browser, running_app: RunningApp
) -> Iterator[Person]:
    way: str = request.param
    with browser.new_context(base_url=running_app.url, locale="en-GB", **WAYS[way]) as context:
        context.set_default_timeout(WAIT_MS)
        yield Person(context.new_page(), uses_keyboard=way == "keyboard alone")


def test_a_practice_is_shared_and_its_retake_compared(
    person: Person, browser: Browser, running_app: RunningApp
) -> None:
    sign_in(person, running_app)
    person.open("/practice/new/?example=1")
    person.write("Questions", str(QUESTIONS))
    person.press("button", "Start")
    session = answer_all_and_finish(person, MEDIUM_ANSWER)

    person.press("button", "Make a link")
    person.sees(".share .link")
    link = person.page.locator(".share .link a").get_attribute("href")
    assert link
    with browser.new_context(viewport=person.page.viewport_size) as strangers:
        stranger = Person(strangers.new_page(), uses_keyboard=False)
        stranger.open(link)
        stranger.sees(".feedback", count=QUESTIONS)
        person.press("button", "Take the link back")
        person.sees(".message.success")
        assert stranger.page.goto(link).status == 404

    person.open(session)
    person.press("button", "Practise this again with new questions")
    answer_all_and_finish(person, STRONG_ANSWER)
    person.press("link", "Compare it with the practice before")
    person.sees("table.compared", count=2)
    expect(person.page.locator("main")).to_contain_text("In all:")
    expect(person.page.locator(".compared .better").first).to_be_visible()


def sign_in(person: Person, app: RunningApp) -> None:
    person.open("/sign-in/")
    person.write("Username", app.username)
    person.write("Password", app.password)
    person.page.keyboard.press("Enter")
    expect(person.page.locator("h1")).to_have_text("My practice")


def answer_all_and_finish(person: Person, words: str) -> str:
    """The practice's address."""
    person.sees(".question-row", count=QUESTIONS)
    session = person.page.url
    person.press("link", "Answer the first question")
    for _ in range(QUESTIONS):
        expect(person.page.locator(".answer-block")).to_have_count(0)
        person.write("Your answer", words)
        person.press("button", "Save ")
        expect(person.page.locator(".message.success")).to_be_visible()
    person.sees(".score-chip", count=QUESTIONS)
    person.press("button", "Finish and sum up")
    person.sees("section.summary")
    return session
