"""A tour of the product that makes the pictures of docs/screens.md: `make screenshots`.

No test of the suite (its name is none): what it passes, the browser tests check.
"""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from interview_app.tests.conftest import WAIT_MS, RunningApp, opened_browser
from interview_app.tests.looking import keep_screenshot
from interview_app.tests.samples import BILLING_POSTING, MARA_RESUME, STRONG_ANSWER

SCREENS: dict[str, tuple[Literal["light", "dark"], ViewportSize]] = {
    "": ("light", {"width": 1000, "height": 760}),
    "-phone": ("dark", {"width": 360, "height": 740}),
}
"""By the ending of a picture's name."""
STORY = {
    "Title": "The night of the double charges",
    "A question of your own": "Which of your promises to a customer was hardest to keep?",
    "Your story": STRONG_ANSWER,
    "What it shows": "Ownership",
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("ending", SCREENS, ids=["desktop", "phone"])
def test_tour(ending: str, browser: Browser, running_app: RunningApp) -> None:
    scheme, size = SCREENS[ending]
    with opened_browser(browser, running_app) as context:
        page = context.new_page()
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size(size)
        _Tour(page, ending).go(running_app)


class _Tour:
    def __init__(self, page: Page, ending: str) -> None:
        self.page, self.ending = page, ending

    def go(self, app: RunningApp) -> None:
        self._visit(app)
        self._keep_a_resume()
        self._keep_a_story()
        session = self._start()
        self._plan(session)
        self._answer(session)
        self._finish(session)
        self._practise_again(session)
        self._practise_like_the_real_thing()
        self._look_at_what_is_mine()

    def _keep(self, name: str) -> None:
        self.page.wait_for_load_state("load")
        keep_screenshot(self.page, f"{name}{self.ending}.webp")

    def _visit(self, app: RunningApp) -> None:
        page = self.page
        page.goto("/")
        self._keep("home")
        page.goto("/example/#question-1")
        self._keep("example")
        if not self.ending:
            keep_screenshot(page, "feedback.webp", of="#question-1")
        page.goto("/sign-in/")
        page.get_by_label("Username").fill(app.username)
        page.get_by_label("Password").fill(app.password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("h1")).to_have_text("My practice")

    def _keep_a_resume(self) -> None:
        page = self.page
        page.goto("/resume/")
        page.get_by_label("Your résumé").fill(MARA_RESUME)
        page.locator("form:has(#id_resume_file) button").click()
        expect(page.locator("#id_entries-0-employer")).to_be_visible()
        page.locator("#id_entries-0-employer").scroll_into_view_if_needed()
        self._keep("resume")

    def _keep_a_story(self) -> None:
        page = self.page
        page.goto("/stories/new/")
        for label, words in STORY.items():
            page.get_by_label(label).fill(words)
        page.get_by_role("button", name="Save").click()
        expect(page.locator("h1")).to_have_text("My library")
        self._keep("library")

    def _start(self) -> str:
        page = self.page
        page.goto("/practice/new/")
        page.get_by_label("Which role is it?").fill("Senior Backend Engineer")
        page.get_by_label("The job posting").fill(BILLING_POSTING)
        page.get_by_label("Your résumé").fill(MARA_RESUME)
        page.get_by_label("Questions", exact=True).fill("3")
        page.evaluate("for (const box of document.querySelectorAll('textarea')) box.scrollTop = 0")
        page.evaluate("scrollTo(0, 0)")
        self._keep("new-practice")
        page.get_by_role("button", name="Start").click()
        expect(page.locator(".question-row")).to_have_count(3, timeout=WAIT_MS)
        return page.url

    def _plan(self, session: str) -> None:
        self.page.goto(f"{session}plan/")
        self._keep("plan")

    def _answer(self, session: str) -> None:
        page = self.page
        page.goto(session)
        page.get_by_role("link", name="Answer the first question").click()
        page.get_by_label("Your answer").fill(STRONG_ANSWER)
        page.evaluate("scrollTo(0, 0)")
        self._keep("question")
        page.get_by_role("button", name="Save and see feedback").click()
        expect(page.locator(".feedback")).to_be_visible()
        page.get_by_role("link", name=re.compile("^Next question")).click()
        page.get_by_label("Your answer").fill(STRONG_ANSWER)
        page.get_by_label("Show me a failure").select_option("invalid_response")
        page.get_by_role("button", name="Save and see feedback").click()
        expect(page.locator(".failure")).to_be_visible()
        page.locator(".failure").scroll_into_view_if_needed()
        self._keep("failure")

    def _finish(self, session: str) -> None:
        page = self.page
        page.goto(session)
        page.get_by_role("button", name="Finish and sum up").click()
        expect(page.locator("section.summary")).to_be_visible()
        page.evaluate("scrollTo(0, 0)")
        self._keep("summary")
        page.get_by_role("button", name="Make a link").click()
        page.goto(str(page.locator(".share .link a").get_attribute("href")))
        self._keep("shared")

    def _practise_again(self, session: str) -> None:
        page = self.page
        page.goto(session)
        page.get_by_role("button", name="Practise this again with new questions").click()
        page.get_by_role("link", name="Answer the first question").click()
        page.get_by_label("Your answer").fill(f"{STRONG_ANSWER} It took me 12 days.")
        page.get_by_role("button", name="Save and see feedback").click()
        expect(page.locator(".feedback")).to_be_visible()
        page.locator(".crumb a").click()
        page.get_by_role("link", name="Compare it with the practice before").click()
        expect(page.locator("table.compared").first).to_be_visible()
        self._keep("comparison")

    def _practise_like_the_real_thing(self) -> None:
        page = self.page
        page.goto("/practice/new/?example=1")
        page.get_by_label("Feedback", exact=True).select_option("real")
        page.get_by_role("button", name="Start").click()
        page.get_by_role("link", name="Answer the first question").click()
        expect(page.locator(".timer")).to_be_visible()
        self._keep("real-mode")

    def _look_at_what_is_mine(self) -> None:
        for name, path in (
            ("my-practice", "/practice/"),
            ("progress", "/progress/"),
            ("settings", "/account/"),
            ("privacy", "/privacy/"),
        ):
            self.page.goto(path)
            self._keep(name)
