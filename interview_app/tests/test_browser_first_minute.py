"""The first minute of somebody who only ran `make run`, and the screens that go on from there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from interview_app.tests.conftest import RunningApp, opened_browser
from interview_app.tests.looking import found_by_axe, too_wide
from interview_app.tests.samples import STRONG_ANSWER

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

SCREENS: dict[str, tuple[Literal["light", "dark"], ViewportSize]] = {
    "light, wide": ("light", {"width": 1280, "height": 900}),
    "dark, narrow": ("dark", {"width": 360, "height": 740}),
}


@pytest.fixture(params=list(SCREENS.values()), ids=list(SCREENS))
def visitor(
    request: pytest.FixtureRequest, browser: Browser, running_app: RunningApp
) -> Iterator[Page]:
    scheme, size = request.param
    with opened_browser(browser, running_app) as context:
        page = context.new_page()
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        complaints: list[str] = []
        page.on(
            "console", lambda said: complaints.append(said.text) if said.type == "error" else None
        )
        yield page
        assert complaints == []


def test_example_shows_feedback_with_quotes(visitor: Page) -> None:
    visitor.goto("/")
    assert looked_over(visitor) == []
    visitor.get_by_role("link", name="See a finished example").click()

    expect(visitor.locator(".feedback")).to_have_count(3)
    expect(visitor.locator(".feedback q").first).to_be_visible()
    assert looked_over(visitor) == []


def test_first_feedback_after_six_clicks_and_a_failure_mended(visitor: Page) -> None:
    clicks = Clicks(visitor)
    visitor.goto("/")
    clicks.button("Try it without an account")
    assert looked_over(visitor) == []
    clicks.button("Start")
    clicks.link("Answer the first question")
    visitor.get_by_label("Your answer").fill(STRONG_ANSWER)
    clicks.button("Save and see feedback")
    expect(visitor.locator(".feedback")).to_be_visible()
    assert clicks.count <= 6
    assert looked_over(visitor) == []

    visitor.get_by_role("link", name="Next question").click()
    visitor.get_by_label("Your answer").fill(STRONG_ANSWER)
    visitor.get_by_label("Show me a failure").select_option("invalid_response")
    visitor.get_by_role("button", name="Save and see feedback").click()
    expect(visitor.get_by_role("heading", name="We could not analyse your answer")).to_be_visible()
    assert looked_over(visitor) == []
    visitor.get_by_role("button", name="Try again").click()
    expect(visitor.locator(".feedback")).to_be_visible()

    finish_and_share(visitor)
    visitor.get_by_role("link", name="My progress").click()
    expect(visitor.get_by_role("heading", name="Simulated practices")).to_be_visible()
    assert looked_over(visitor) == []


def finish_and_share(page: Page) -> None:
    page.locator(".crumb a").click()
    page.get_by_role("button", name="Finish and sum up").click()
    expect(page.locator("section.summary")).to_be_visible()
    page.get_by_role("button", name="Make a link").click()
    address = page.locator(".share .link a").get_attribute("href")
    assert looked_over(page) == []
    assert address
    page.goto(address)
    expect(page.locator(".feedback")).to_have_count(2)
    assert looked_over(page) == []


class Clicks:
    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def button(self, name: str) -> None:
        self.count += 1
        self.page.get_by_role("button", name=name).click()

    def link(self, name: str) -> None:
        self.count += 1
        self.page.get_by_role("link", name=name).click()


def looked_over(page: Page) -> list[str]:
    violations = [f"{each['id']}: {each['nodes'][0]['html'][:150]}" for each in found_by_axe(page)]
    return violations + too_wide(page)
