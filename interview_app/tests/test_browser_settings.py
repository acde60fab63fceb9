"""Settings, ready roles, the plan of a practice, the library and the page to print, in a browser:
at both widths and in both themes, with the keyboard alone, without JavaScript."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from pypdf import PdfReader

from interview_app.tests.conftest import WAIT_MS, RunningApp, opened_browser
from interview_app.tests.looking import Load, found_by_axe, too_wide
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
        yield page


def looked_over(page: Page) -> list[str]:
    violations = [f"{each['id']}: {each['nodes'][0]['html'][:150]}" for each in found_by_axe(page)]
    return violations + too_wide(page)


def sign_in(page: Page, app: RunningApp) -> None:
    page.goto("/sign-in/?next=/account/")
    page.get_by_label("Username").fill(app.username)
    page.get_by_label("Password").fill(app.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Settings")


def start_ready_role(page: Page, title: str = "Accountant") -> str:
    """The address of a practice of two questions, begun from the list of ready roles."""
    page.goto("/practice/new/")
    page.get_by_label("No posting at hand?").select_option(label=title)
    page.get_by_role("button", name="Fill it in").click()
    expect(page.get_by_label("Which role is it?")).to_have_value(title)
    page.get_by_label("Questions", exact=True).fill("2")
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".question-row")).to_have_count(2, timeout=WAIT_MS)
    return page.url


def asked(page: Page) -> list[str]:
    return page.locator(".question-text").all_inner_texts()


def test_screens_are_light_ours_alone_and_accessible(
    visitor: Page, running_app: RunningApp
) -> None:
    page, found = visitor, dict[str, list[str]]()
    load = Load(page, urlsplit(running_app.url).netloc)
    sign_in(page, running_app)
    session = start_ready_role(page)

    for path in ("/account/", "/practice/new/", f"{session}plan/", "/stories/", "/stories/new/"):
        load.faults()
        page.goto(path, wait_until="load")
        if faults := looked_over(page) + load.faults():
            found[path] = faults

    page.goto("/stories/new/")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".error-summary")).to_be_visible()
    found |= {"refused story": faults} if (faults := looked_over(page)) else {}
    page.goto("/account/")
    page.get_by_label("E-mail address").fill("no address")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".error-summary")).to_be_visible()
    found |= {"refused profile": faults} if (faults := looked_over(page)) else {}
    assert found == {}


def test_a_visitor_switches_the_language_and_a_member_keeps_it(
    visitor: Page, running_app: RunningApp
) -> None:
    page = visitor
    page.goto("/")
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert looked_over(page) == []
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")

    sign_in(page, running_app)
    page.get_by_label("Language of the pages").select_option("de")
    page.get_by_role("button", name="Use this language").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.context.clear_cookies(name="django_language")
    page.goto("/practice/")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.goto("/account/")
    page.locator("select[name=language]").select_option("")
    page.locator("form[action='/language/'] button").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_questions_are_planned_without_java_script(
    plain_page: Page, running_app: RunningApp
) -> None:
    page = plain_page
    sign_in(page, running_app)
    start_ready_role(page)
    first, second = asked(page)
    page.get_by_role("link", name="Change the questions").click()

    page.get_by_role("button", name="Move question 2 up").click()
    expect(page.locator(".question-text").first).to_have_text(second)
    page.get_by_label("A question of your own").fill("Who checks your figures?")
    page.get_by_label("Keep it in my library").check()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".question-text").last).to_have_text("Who checks your figures?")
    page.get_by_role("button", name="Leave out question 2").click()
    expect(page.locator(".question-row")).to_have_count(2)

    assert asked(page) == [second, "Who checks your figures?"]
    assert first not in page.locator("main").inner_text()
    page.goto("/stories/")
    expect(page.get_by_role("link", name="Who checks your figures?").first).to_be_visible()


def test_questions_are_planned_with_the_keyboard_alone(page: Page, running_app: RunningApp) -> None:
    sign_in(page, running_app)
    start_ready_role(page)
    second = asked(page)[1]
    page.get_by_role("link", name="Change the questions").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Change the questions")

    tab_to(page, "Move question 2 up")
    page.keyboard.press("Enter")

    expect(page.locator(".question-text").first).to_have_text(second)
    tab_to(page, "A question of your own")
    page.keyboard.type("Why do you want to leave?")
    tab_to(page, "Add")
    page.keyboard.press("Enter")
    expect(page.locator(".question-text").last).to_have_text("Why do you want to leave?")


def tab_to(page: Page, name: str, most: int = 60) -> None:
    """By nothing but the tabulator."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(NAME_OF_FOCUSED) == name:
            return
    raise AssertionError(f"{name} was not reached")


NAME_OF_FOCUSED = """() => {
  const it = document.activeElement;
  const words = it.getAttribute("aria-label") || it.labels?.[0]?.innerText || it.innerText;
  return words.replace("*", "").trim();
}"""


def test_enter_in_a_field_starts_what_stands_there(page: Page, running_app: RunningApp) -> None:
    sign_in(page, running_app)
    page.goto("/practice/new/")
    page.get_by_label("No posting at hand?").select_option(label="Accountant")
    page.get_by_label("Which role is it?").fill("Ferry captain")

    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_have_text("Ferry captain")


def test_a_story_of_the_library_stands_below_what_is_typed(
    page: Page, running_app: RunningApp
) -> None:
    sign_in(page, running_app)
    page.goto("/stories/new/")
    page.get_by_label("Title").fill("The late ledger")
    page.get_by_label("Story").fill("In March the ledger was late, and I found out why.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="The late ledger")).to_be_visible()
    start_ready_role(page)
    page.get_by_role("link", name="Answer the first question").click()
    page.get_by_label("Your answer").press_sequentially("It began with a number.")

    page.get_by_text("From my library").click()
    page.get_by_label("A story of yours").select_option(label="The late ledger")
    page.get_by_role("button", name="Insert it").click()

    both = "It began with a number.\n\nIn March the ledger was late, and I found out why."
    expect(page.get_by_label("Your answer")).to_have_value(both)
    expect(page.locator("[data-conflict]")).to_be_hidden()
    assert looked_over(page) == []


def test_a_finished_practice_is_a_good_pdf(browser: Browser, running_app: RunningApp) -> None:
    with opened_browser(browser, running_app) as context:
        page = context.new_page()
        page.emulate_media(color_scheme="dark")
        sign_in(page, running_app)
        session = start_ready_role(page)
        questions = asked(page)
        answer_both(page)
        page.goto(session)
        page.get_by_role("button", name="Finish and sum up").click()
        expect(page.locator("section.summary .prose")).not_to_be_empty(timeout=WAIT_MS)
        assert looked_over(page) == []
        page.get_by_role("link", name="Print or save as PDF").click()
        expect(page.get_by_role("button", name="Print", exact=True)).to_be_visible()
        assert looked_over(page) == []

        sheets = printed(page)

        whole = " ".join(sheets)
        for question in questions:
            assert one_line(question) in whole
        assert whole.count(one_line(STRONG_ANSWER)[:60]) >= 2
        for left_out in ("Sign out", "Skip to the content", "Simulated interviewer.", "Print"):
            assert left_out not in whole
        for start in ("Question 1 of 2", "Question 2 of 2"):
            assert_stays_together(sheets, start, one_line(STRONG_ANSWER)[-40:], "· rubric")
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate(BACKGROUND) == "rgb(255, 255, 255)"


BACKGROUND = "getComputedStyle(document.body).backgroundColor"


def answer_both(page: Page) -> None:
    page.get_by_role("link", name="Answer the first question").click()
    for _ in range(2):
        page.get_by_label("Your answer").fill(STRONG_ANSWER)
        page.locator("button[name=then][value=next]").click()
        expect(page.locator(".message.success")).to_be_visible()
    expect(page.locator(".score-chip")).to_have_count(2, timeout=WAIT_MS)


def printed(page: Page) -> list[str]:
    """The text of each sheet of A4, in one line each."""
    reader = PdfReader(io.BytesIO(page.pdf(format="A4")))
    return [one_line(sheet.extract_text()) for sheet in reader.pages]


def one_line(text: str) -> str:
    return " ".join(text.split())


def assert_stays_together(sheets: list[str], start: str, *parts: str) -> None:
    sheet = next(each for each in sheets if start in each)
    after = sheet.partition(start)[2]
    assert [part for part in parts if part not in after] == [], sheet
