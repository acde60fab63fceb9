"""Answering in a real browser: what is under way, like the real thing, spoken, and never lost.

Microphone, voices and notifications are the browser's own edges: fakes stand there, and the
simulated provider takes its time, so that what is under way can be seen.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect
from playwright.sync_api import Error as BrowserError

from interview_app.tests.conftest import (
    WAIT_MS,
    RunningApp,
    cookies_of_who_signed_in,
    opened_browser,
    sign_in,
    started_app,
)
from interview_app.tests.looking import found_by_axe, keep_screenshot, too_wide
from interview_app.tests.samples import MEDIUM_ANSWER, STRONG_ANSWER

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

SLOW = {"SIMULATED_LATENCY_SECONDS": "3", "OPERATIONS_BACKOFF_BASE_SECONDS": "4"}
"""So that a page sees each state, however busy the machine is."""
SIZES = ({"width": 1280, "height": 900}, {"width": 360, "height": 740})
WORDS = "Half a thought \N{SLIGHTLY SMILING FACE} about money"

LOOKS_AWAY = """
  let away = false;
  window.lookAway = (is) => {
    away = is;
    document.dispatchEvent(new Event("visibilitychange"));
  };
  Object.defineProperty(document, "hidden", { get: () => away });
"""
NOTIFIES = """
  window.told = [];
  window.Notification = class {
    static permission = "default";
    static async requestPermission() { return (this.permission = "granted"); }
    constructor(words) { window.told.push(words); }
  };
"""
LISTENS = """
  window.SpeechRecognition = window.webkitSpeechRecognition = class {
    start() { window.recogniser = this; setTimeout(() => this.onstart()); }
    stop() { setTimeout(() => this.onend()); }
    abort() {}
    hear(words) {
      const result = Object.assign([{ transcript: words }], { isFinal: true });
      this.onresult({ resultIndex: 0, results: [result] });
    }
  };
"""
SPEAKS = """
  window.said = [];
  const voices = [
    { lang: "en-GB", localService: false, name: "far" },
    { lang: "en-GB", localService: true, name: "here" },
  ];
  window.SpeechSynthesisUtterance = function (text) { this.text = text; };
  Object.defineProperty(window, "speechSynthesis", { value: {
    getVoices: () => voices,
    addEventListener: () => {},
    cancel: () => {},
    speak: (words) => window.said.push([words.voice.name, words.text]),
  }});
"""


@pytest.fixture(scope="module")
def running_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with started_app(tmp_path_factory.mktemp("app"), **SLOW) as app:
        yield app


@pytest.fixture(scope="module")
def cookies(browser: Browser, running_app: RunningApp) -> list[Any]:
    return cookies_of_who_signed_in(browser, running_app)


@pytest.fixture
def context(
    browser: Browser, running_app: RunningApp, cookies: list[Any]
) -> Iterator[BrowserContext]:
    """All pages of one context are one person's tabs."""
    with opened_browser(browser, running_app) as opened:
        opened.add_cookies(cookies)
        yield opened


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def plain_page(browser: Browser, running_app: RunningApp, cookies: list[Any]) -> Iterator[Page]:
    with opened_browser(browser, running_app, java_script=False) as opened:
        opened.add_cookies(cookies)
        yield opened.new_page()


def start(page: Page, *, mode: str = "practice", questions: int = 2) -> str:
    """A practice with its questions; the address of its page."""
    page.goto("/practice/new/?example=1")
    page.get_by_label("Questions", exact=True).fill(str(questions))
    page.get_by_label("Feedback", exact=True).select_option(mode)
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".question-row")).to_have_count(questions, timeout=WAIT_MS)
    return page.url


def first_question(page: Page, *, mode: str = "practice") -> str:
    start(page, mode=mode)
    page.get_by_role("link", name="Answer the first question").click()
    expect(box(page)).to_be_visible()
    page.wait_for_load_state("load")  # what keeps the words is there
    return page.url


def type_before_the_script(page: Page, address: str, words: str) -> None:
    held: list[Route] = []
    page.route("**/drafts*.js", lambda route: held.append(route))
    page.goto(address, wait_until="commit")
    box(page).fill(words)
    while not held:
        page.wait_for_timeout(50)
    held[0].continue_()


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Your answer")


def draft_state(page: Page) -> Locator:
    return page.locator("[data-draft-state]")


def look_over(page: Page) -> None:
    """Both sizes, both themes."""
    for size, scheme in zip(SIZES, ("light", "dark"), strict=True):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = [f"{each['id']}: {each['nodes'][0]['html'][:150]}" for each in found_by_axe(page)]
        assert found + too_wide(page) == [], (size, scheme)
    page.set_viewport_size(SIZES[0])  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")


# --- What is under way --------------------------------------------------------------------------


def test_what_is_under_way_is_seen_heard_and_told_when_it_is_ready(page: Page) -> None:
    page.add_init_script(LOOKS_AWAY + NOTIFIES)
    first_question(page)
    assert page.locator("[data-tell]").is_hidden()
    box(page).fill(STRONG_ANSWER)
    page.get_by_role("button", name="Save and see feedback").click()

    expect(page.locator(".at-work .elapsed[data-since]")).to_have_text(re.compile(r"^\d+ s$"))
    page.get_by_role("button", name="Tell me when it is ready").click()
    expect(page.locator("[data-tell]")).to_be_hidden()
    expect(page.locator(".announcer")).to_have_text("You will be told when it is ready.")
    page.evaluate("lookAway(true)")
    expect(page.locator(".feedback")).to_be_visible(timeout=WAIT_MS)

    expect(page).to_have_title(re.compile("^Ready · Question 1"))
    assert page.evaluate("told") == ["Ready"]
    expect(page.locator(".announcer")).to_have_text("Feedback")
    page.evaluate("lookAway(false)")
    expect(page).to_have_title(re.compile("^Question 1"))
    look_over(page)


def test_nobody_is_asked_for_notices_who_did_not_ask(page: Page) -> None:
    page.add_init_script(LOOKS_AWAY + NOTIFIES)
    first_question(page)
    box(page).fill(STRONG_ANSWER)
    page.get_by_role("button", name="Save and see feedback").click()
    page.evaluate("lookAway(true)")
    expect(page.locator(".feedback")).to_be_visible(timeout=WAIT_MS)

    assert page.evaluate("[Notification.permission, told]") == ["default", []]


def test_a_new_try_counts_down_and_is_announced_once(page: Page) -> None:
    first_question(page)
    box(page).fill(STRONG_ANSWER)
    page.get_by_label("Show me a failure").select_option("network")
    page.get_by_role("button", name="Save and see feedback").click()

    note = page.locator(".at-work .note", has_text="we are about to ask again")
    expect(note).to_contain_text("Next try:", timeout=WAIT_MS)
    expect(page.locator(".at-work")).to_contain_text(re.compile(r"Try [234] of 4\."))
    expect(page.locator(".announcer")).to_contain_text("we are about to ask again")
    expect(page.locator(".announcer")).not_to_contain_text(re.compile(r"\d"))
    look_over(page)
    expect(page.locator(".failure")).to_be_visible(timeout=3 * WAIT_MS)


def test_do_it_for_me_then_needs_nobody(page: Page) -> None:
    first_question(page)
    box(page).fill(STRONG_ANSWER)
    page.get_by_label("Show me a failure").select_option("rate_limit")
    page.get_by_role("button", name="Save and see feedback").click()
    expect(page.locator(".failure")).to_be_visible(timeout=WAIT_MS)
    look_over(page)
    keep_screenshot(page, "failure-card.png", of=".failure")

    page.get_by_role("button", name="Do it for me then").click()

    expect(page.locator(".at-work")).to_contain_text("It is done for you at this time:")
    look_over(page)
    expect(page.locator(".feedback")).to_be_visible(timeout=2 * WAIT_MS)


# --- Like the real thing, and again -------------------------------------------------------------


def test_an_interview_like_the_real_thing(page: Page) -> None:
    page.clock.install()
    session = start(page, mode="real")
    expect(page.locator(".question-row.later")).to_have_count(2)
    look_over(page)

    page.get_by_role("link", name="Answer the first question").click()
    expect(page.locator(".timer strong")).to_have_text(re.compile(r"^[45]:\d\d min$"))
    look_over(page)
    box(page).fill(WORDS)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".timer")).to_contain_text("The time stands still.")
    expect(box(page)).to_have_value(WORDS)
    look_over(page)
    page.get_by_role("button", name="Go on").click()

    page.clock.fast_forward("06:00")
    expect(page.locator(".timer .over")).to_contain_text("Take what you need: nothing changes.")
    box(page).fill(STRONG_ANSWER)
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_text("Question 2 of 2")).to_be_visible()
    page.get_by_role("link", name="All questions").click()
    expect(page.locator(".chip.ready")).to_have_count(1)
    expect(page.locator(".score-chip")).to_have_count(0)

    page.get_by_role("button", name="Finish and see the feedback").click()
    expect(page.locator("section.summary")).to_be_visible(timeout=WAIT_MS)
    page.goto(session)
    expect(page.locator(".score-chip")).to_have_count(1, timeout=WAIT_MS)
    look_over(page)


def test_the_real_thing_without_java_script(plain_page: Page) -> None:
    page = plain_page
    first_question(page, mode="real")

    expect(page.locator(".timer strong")).to_have_text(re.compile(r"^[45]:\d\d min$"))
    box(page).fill(WORDS)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".timer")).to_contain_text("The time stands still.")
    expect(box(page)).to_have_value(WORDS)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".timer time")).to_have_text(re.compile(r"\d\d:\d\d:\d\d UTC"))
    page.get_by_role("button", name="Save and continue").click()
    expect(page.locator(".message.success")).to_contain_text("Your answer to question 1 is saved")


def test_trying_again_shows_what_changed(page: Page) -> None:
    first_question(page)
    box(page).fill(MEDIUM_ANSWER)
    page.get_by_role("button", name="Save and see feedback").click()
    expect(page.locator(".feedback")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator(".facts")).to_contain_text("Counted, not judged:")

    page.get_by_role("link", name="Try this question again").click()
    expect(page.locator(".again .try")).not_to_be_empty()
    box(page).fill(f"{MEDIUM_ANSWER} Double charges fell from 37 a month to none.")
    page.get_by_role("button", name="Save and see feedback").click()
    page.get_by_role("link", name="Compare it with your answer before").click()

    expect(page.locator(".diff ins")).to_contain_text("fell from 37 a month to none.")
    expect(page.locator(".compared tbody tr")).not_to_have_count(0)
    look_over(page)
    keep_screenshot(page, "compared.png")


# --- Nothing typed is lost ----------------------------------------------------------------------


def test_words_typed_offline_come_back_from_this_browser(context: BrowserContext) -> None:
    page = context.new_page()
    address = first_question(page)
    context.set_offline(True)
    box(page).fill(WORDS)
    expect(draft_state(page)).to_contain_text("This browser keeps a copy.")
    page.close()
    context.set_offline(False)

    page = context.new_page()
    page.goto(address)

    expect(box(page)).to_have_value(WORDS)
    expect(draft_state(page)).to_contain_text("Draft saved")
    assert page.evaluate("localStorage.length") == 0


def test_a_server_killed_between_keystrokes_and_save_loses_no_word(
    context: BrowserContext, running_app: RunningApp
) -> None:
    page = context.new_page()
    address = first_question(page)
    box(page).fill("I began")
    expect(draft_state(page)).to_contain_text("Draft saved")
    box(page).press_sequentially(" and went on")
    kill_web_server(running_app)
    page.close()

    page = context.new_page()
    open_once_it_is_back(page, address)

    expect(box(page)).to_have_value("I began and went on")


def test_a_tab_that_stays_open_saves_once_the_server_is_back(
    page: Page, running_app: RunningApp
) -> None:
    first_question(page)
    box(page).fill(WORDS)
    kill_web_server(running_app)

    expect(draft_state(page)).to_contain_text("Draft saved", timeout=3 * WAIT_MS)


def test_a_tab_closed_at_once_loses_no_word(context: BrowserContext) -> None:
    page = context.new_page()
    address = first_question(page)
    box(page).fill(WORDS)
    page.close(run_before_unload=False)

    page = context.new_page()
    page.goto(address)

    expect(box(page)).to_have_value(WORDS)


def test_words_typed_before_the_script_arrives_are_kept(page: Page) -> None:
    address = first_question(page)
    type_before_the_script(page, address, WORDS)

    expect(draft_state(page)).to_contain_text("Draft saved")


def test_words_typed_early_and_a_copy_of_before_are_both_there(page: Page) -> None:
    address = first_question(page)
    page.context.set_offline(True)
    box(page).fill("From the train.")
    expect(draft_state(page)).to_contain_text("This browser keeps a copy.")
    page.goto("about:blank")
    page.context.set_offline(False)
    type_before_the_script(page, address, WORDS)

    page.get_by_role("button", name="Add it below mine").click()

    expect(box(page)).to_have_value(f"{WORDS}\n\nFrom the train.")
    expect(draft_state(page)).to_contain_text("Draft saved")


def test_going_on_and_back_loses_no_word(page: Page) -> None:
    first_question(page)
    box(page).fill(WORDS)
    page.get_by_role("link", name="Next question").click()
    expect(page.get_by_text("Question 2 of 2")).to_be_visible()

    page.go_back()

    expect(box(page)).to_have_value(WORDS)


def test_a_double_click_saves_one_answer(page: Page, running_app: RunningApp) -> None:
    first_question(page)
    box(page).fill(STRONG_ANSWER)
    before = running_app.count("interview_app_answer")

    page.get_by_role("button", name="Save and see feedback").dblclick()

    expect(page.locator(".feedback")).to_be_visible(timeout=WAIT_MS)
    assert running_app.count("interview_app_answer") == before + 1


def test_an_expired_sign_in_loses_no_word(page: Page, running_app: RunningApp) -> None:
    first_question(page)
    page.context.clear_cookies(name="sessionid")

    box(page).fill(WORDS)
    expect(draft_state(page)).to_contain_text("you are signed out")
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_label("What you typed")).to_have_value(WORDS)
    look_over(page)
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    sign_in(page, running_app)

    expect(box(page)).to_have_value(WORDS)
    expect(draft_state(page)).to_contain_text("Draft saved")


def test_of_two_tabs_the_older_is_told_and_both_texts_stay(context: BrowserContext) -> None:
    older = context.new_page()
    address = first_question(older)
    newer = context.new_page()
    newer.goto(address)
    box(newer).fill("Typed in the newer tab.")
    expect(draft_state(newer)).to_contain_text("Draft saved")

    box(older).fill("Typed in the older tab.")
    conflict = older.locator("[data-conflict]")
    expect(conflict.locator("[data-other]")).to_have_text("Typed in the newer tab.")
    look_over(older)
    older.get_by_role("button", name="Add it below mine").focus()
    older.keyboard.press("Enter")

    both = "Typed in the older tab.\n\nTyped in the newer tab."
    expect(box(older)).to_have_value(both)
    expect(draft_state(older)).to_contain_text("Draft saved")
    newer.reload()
    expect(box(newer)).to_have_value(both)


def test_an_answer_in_one_tab_is_told_in_the_other(context: BrowserContext) -> None:
    older = context.new_page()
    address = first_question(older)
    newer = context.new_page()
    newer.goto(address)
    box(newer).fill(STRONG_ANSWER)
    newer.get_by_role("button", name="Save and continue").click()
    expect(newer.locator(".message.success")).to_be_visible()
    assert newer.evaluate("localStorage.length") == 0

    box(older).fill(WORDS)

    expect(draft_state(older)).to_contain_text("An answer was saved in another tab")


def test_a_practice_deleted_elsewhere_leaves_the_words_on_the_page(context: BrowserContext) -> None:
    page = context.new_page()
    session = start(page)
    page.get_by_role("link", name="Answer the first question").click()
    other = context.new_page()
    other.goto(f"{session}delete/")
    other.get_by_role("main").get_by_role("button", name="Delete").click()

    box(page).fill(WORDS)
    expect(draft_state(page)).to_contain_text("this practice was deleted")
    expect(box(page)).to_have_value(WORDS)
    page.get_by_role("button", name="Save and continue").click()

    expect(page.get_by_label("What you typed")).to_have_value(WORDS)


def test_more_than_is_possible_is_told_and_stays_in_the_box(page: Page) -> None:
    first_question(page)
    long = "x" * 20_001
    box(page).fill(long)
    expect(draft_state(page)).to_contain_text("At most 20000 characters")
    # A proxy in front, or our own limit of a body; to type 6 MB takes a browser minutes.
    page.route("**/draft/", lambda route: route.fulfill(status=413, body="<h1>Too large</h1>"))

    box(page).press_sequentially("y")

    expect(draft_state(page)).to_contain_text("Not saved: this is too long.")
    expect(box(page)).to_have_value(f"{long}y")


def test_signing_out_leaves_no_copy_in_the_browser(
    browser: Browser, running_app: RunningApp
) -> None:
    with opened_browser(browser, running_app) as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_role("button", name="Try it without an account").click()
        page.evaluate("localStorage.setItem('draft:x', '{}')")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("link", name="Sign in").first).to_be_visible()

        assert page.evaluate("localStorage.length") == 0


# --- Speaking -----------------------------------------------------------------------------------


def test_dictating_is_off_until_who_hears_it_was_read(page: Page) -> None:
    page.add_init_script(LISTENS)
    first_question(page)
    box(page).fill("I began.")
    assert page.evaluate("window.recogniser === undefined")
    expect(page.get_by_role("button", name="Stop dictating")).to_be_hidden()

    page.get_by_role("button", name="Dictate", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-terms]")).to_contain_text("Chrome to Google")
    look_over(page)
    page.keyboard.press("Enter")  # the focus went on to "Start dictating"
    expect(page.locator("[data-dictation-state]")).to_have_text("Listening …")
    look_over(page)
    assert page.evaluate("recogniser.lang") == "en-US"
    page.evaluate("recogniser.hear('then I rebuilt the ledger')")
    expect(box(page)).to_have_value("I began. then I rebuilt the ledger")
    page.keyboard.press("Enter")  # and to "Stop dictating"

    expect(page.locator("[data-dictation-state]")).to_contain_text("Stopped.")
    expect(box(page)).to_be_focused()
    expect(draft_state(page)).to_contain_text("Draft saved")
    assert page.locator("[name=spoken_words]").input_value() == "5"


def test_a_refused_microphone_is_explained(page: Page) -> None:
    page.add_init_script(LISTENS)
    first_question(page)
    page.get_by_role("button", name="Dictate", exact=True).click()
    page.get_by_role("button", name="Start dictating").click()

    expect(page.locator("[data-dictation-state]")).to_have_text("Listening …")
    page.evaluate("recogniser.onerror({ error: 'not-allowed' }); recogniser.onend()")

    expect(page.locator("[data-dictation-state]")).to_contain_text("may not use the microphone")


def test_a_question_is_read_by_a_voice_of_this_computer(page: Page) -> None:
    page.add_init_script(SPEAKS)
    first_question(page)

    page.get_by_role("button", name="Read it to me").click()

    question = page.locator("h1").inner_text()
    assert page.evaluate("said") == [["here", question]]
    expect(page.get_by_role("button", name="Read it to me")).to_have_attribute(
        "aria-pressed", "true"
    )
    look_over(page)


def test_without_microphone_or_voices_nothing_of_it_is_offered(page: Page) -> None:
    page.add_init_script(
        "window.SpeechRecognition = window.webkitSpeechRecognition = undefined;"
        "Object.defineProperty(window, 'speechSynthesis', { value: undefined });"
    )
    first_question(page)

    expect(page.locator("[data-dictation]")).to_be_hidden()
    expect(page.locator("[data-aloud]")).to_be_hidden()


def kill_web_server(app: RunningApp) -> None:
    """`up` starts it again in a moment."""
    tree = app.tree.resolve()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = (process / "cwd").resolve() == tree
            if is_ours and b"config.webserver" in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue


def open_once_it_is_back(page: Page, address: str) -> None:
    for _ in range(60):
        try:
            page.goto(address)
            return
        except BrowserError as error:
            if "ERR_CONNECTION" not in str(error):
                raise
            page.wait_for_timeout(1000)
    raise AssertionError("the web server did not come back")
