"""The whole path in a real browser, against the product as `make run` starts it."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from interview_app.resume_files import read_resume
from interview_app.tests.conftest import WAIT_MS, RunningApp, opened_browser, started_app
from interview_app.tests.looking import keep_screenshot
from interview_app.tests.samples import FOLDER, sample_bytes, sample_text

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

PASSWORD = "a long enough pass phrase"
GERMAN_WORDS = re.compile(r"\b(Sie|Ihnen|Ihre?[mnrs]?|du|dir|dein\w*|und|der|die|das)\b")

ANSWERS = (
    "In 2022 our payment service charged customers twice. I wrote an idempotency key for every"
    " request, moved the ledger into one transaction and compared it with the bank each night."
    " Double charges fell from 37 a month to none, and I learnt to test the retry first.",
    "When the outage of November began I took the lead. I split the team in two, wrote down every"
    " step and restored the service in 22 minutes. Afterwards I replaced forty alerts by two.",
    "Ich habe zuerst zugehört und gefragt, was genau nicht geht. Dann habe ich das Kabel geprüft,"
    " den Dienst neu gestartet und am Ende 12 Arbeitsplätze in 2 Stunden in Betrieb genommen.",
    "I coached two engineers every week. We read a query plan together, I let them decide, and the"
    " slowest page went from 1.9 s to 240 ms in three weeks because of their own index.",
    "My manager wanted to ship on Friday. I showed the risk with numbers, offered a smaller step,"
    " and we shipped Monday without one lost invoice. Since then I bring two options, not one no.",
)


SEND_TEN_TIMES = """async () => {
  const form = document.querySelector("form[data-once]");
  const send = () => fetch(form.action, { method: "POST", body: new FormData(form) });
  const responses = await Promise.all(Array.from({ length: 10 }, send));
  return responses.map((response) => response.url);
}"""


@dataclass(frozen=True)
class Case:
    role: str
    posting: str
    resume: str
    language: str = "English"

    @property
    def posting_text(self) -> str:
        return sample_text(self.posting)

    @property
    def resume_text(self) -> str:
        return read_resume(self.resume, sample_bytes(self.resume)).text


BACKEND = Case("Senior Backend Engineer", "job-backend-billing.txt", "resume-mara-lindqvist.pdf")
PRODUCT = Case("Product Manager", "job-product-manager.txt", "resume-tomasz-okafor.docx")
GERMAN = Case(
    "Fachinformatiker", "job-ausbildung-de.txt", "resume-mara-lindqvist.pdf", language="Deutsch"
)


def test_a_newcomer_practises_from_sign_in_to_summary(page: Page, running_app: RunningApp) -> None:
    sign_in(page, running_app)

    start_practice(page, BACKEND)

    assert_questions_name_both(page, BACKEND)
    answer_all(page)
    assert_every_answer_is_scored(page)
    finish(page)


def test_the_path_works_with_a_word_document(page: Page) -> None:
    sign_up(page)

    start_practice(page, PRODUCT)

    assert_questions_name_both(page, PRODUCT)
    answer_all(page)
    assert_every_answer_is_scored(page)
    finish(page)


def test_a_german_practice_asks_in_german(page: Page) -> None:
    sign_up(page)

    start_practice(page, GERMAN)

    for question in page.locator(".question-text").all():
        assert question.get_attribute("lang") == "de"
        assert GERMAN_WORDS.search(question.inner_text()), question.inner_text()
    answer_all(page)
    assert_every_answer_is_scored(page)
    finish(page)


def test_the_path_works_without_java_script(plain_page: Page) -> None:
    sign_up(plain_page)

    start_practice(plain_page, BACKEND)

    assert_questions_name_both(plain_page, BACKEND)
    answer_all(plain_page)
    assert_every_answer_is_scored(plain_page)
    finish(plain_page)


def test_what_failed_is_tried_again_from_its_card(browser: Browser, tmp_path: Path) -> None:
    faults = {"SIMULATED_FAULTS": "rate_limit:0.6", "OPERATIONS_WORKERS": "1"}
    with started_app(tmp_path, **faults) as app, opened_browser(browser, app) as context:
        page = context.new_page()
        sign_up(page)
        fill_in(page, BACKEND)
        page.get_by_role("button", name="Start").click()
        seen = try_again_until(page, ".question-row", 5)

        answer_all(page)
        expect(page.locator(".chip.preparing")).to_have_count(0, timeout=WAIT_MS)
        keep_screenshot(page, "session.webp")
        seen += try_again_until(page, ".score-chip", 5)

        assert seen, "no call failed, so nothing was shown"


def test_what_was_read_is_seen_and_corrected_before_it_is_used(page: Page) -> None:
    sign_up(page)
    page.goto("/practice/new/")
    page.get_by_label("Which role is it?").fill("Ferry captain")
    read: FilePayload = {
        "name": "cv.txt",
        "mimeType": "text/plain",
        "buffer": "Zoë at the Pünt ferry, Zürich".encode("cp1252"),
    }
    page.get_by_label("or choose a file").set_input_files(read)
    page.get_by_role("button", name="Start").click()

    expect(page.get_by_role("status").last).to_contain_text("There are hardly any words.")
    box = page.get_by_label("Your résumé")
    expect(box).to_have_value("Zoë at the Pünt ferry, Zürich")
    box.fill("Zoë at the Punt ferry, Zürich: nine years without an accident.")
    page.get_by_role("button", name="Start").click()

    expect(page.locator(".question-row")).to_have_count(5, timeout=WAIT_MS)
    expect(page.locator(".snapshot .words").last).to_contain_text("Punt ferry, Zürich: nine years")


def test_ten_double_clicks_on_start_make_one_session(page: Page, running_app: RunningApp) -> None:
    sign_up(page)
    before = counts(running_app)
    fill_in(page, BACKEND)

    double_click_start(page, times=10)

    expect(page.locator(".question-row")).to_have_count(5, timeout=WAIT_MS)
    assert counts(running_app) == (before[0] + 1, before[1] + 1)


def test_ten_double_clicks_without_java_script_make_one_session(
    plain_page: Page, running_app: RunningApp
) -> None:
    sign_up(plain_page)
    before = counts(running_app)
    fill_in(plain_page, BACKEND)

    double_click_start(plain_page, times=10)

    expect(plain_page.locator(".question-row")).to_have_count(5, timeout=WAIT_MS)
    assert counts(running_app) == (before[0] + 1, before[1] + 1)


def test_ten_simultaneous_posts_of_one_form_make_one_session(
    page: Page, running_app: RunningApp
) -> None:
    sign_up(page)
    before = counts(running_app)
    fill_in(page, BACKEND)

    addresses = page.evaluate(SEND_TEN_TIMES)

    assert len(addresses) == 10
    assert len(set(addresses)) == 1
    assert counts(running_app) == (before[0] + 1, before[1] + 1)


def test_a_file_beyond_the_limit_gets_a_page_of_ours(page: Page) -> None:
    sign_up(page)
    page.goto("/practice/new/")
    page.get_by_label("Which role is it?").fill("Ferry captain")
    large: FilePayload = {
        "name": "cv.pdf",
        "mimeType": "application/pdf",
        "buffer": b"x" * 9_000_000,
    }
    page.get_by_label("or choose a file").set_input_files(large)

    page.get_by_role("button", name="Start").click()

    expect(page.get_by_role("heading", name="This is too large")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Which role is it?")).to_have_value("Ferry captain")


def test_a_closed_tab_loses_no_typed_word(page: Page) -> None:
    sign_up(page)
    start_practice(page, BACKEND)
    page.get_by_role("link", name="Answer the first question").click()
    address = page.url

    page.get_by_label("Your answer").fill("Half a thought \N{SLIGHTLY SMILING FACE} about money")
    expect(page.locator("[data-draft-state]")).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))
    page.goto("about:blank")
    page.goto(address)

    expect(page.get_by_label("Your answer")).to_have_value(
        "Half a thought \N{SLIGHTLY SMILING FACE} about money"
    )


def test_the_path_needs_no_mouse(page: Page) -> None:
    sign_up(page)
    page.goto("/practice/new/")

    page.get_by_label("Which role is it?").focus()
    page.keyboard.type("Ferry captain")
    page.keyboard.press("Enter")
    expect(page.locator(".question-row")).to_have_count(5, timeout=WAIT_MS)
    page.get_by_role("link", name="Answer the first question").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Your answer").focus()
    page.keyboard.type(ANSWERS[0])
    page.keyboard.press("Tab")  # the choice of a failure, which development has
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator(".message.success")).to_contain_text("Your answer to question 1 is saved")


def sign_in(page: Page, app: RunningApp) -> None:
    page.goto("/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Sign in").click()
    page.get_by_label("Username").fill(app.username)
    page.get_by_label("Password").fill(app.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="My practice")).to_be_visible()


def sign_up(page: Page) -> None:
    page.goto("/sign-up/")
    page.get_by_label("Username").fill(f"visitor-{uuid.uuid4().hex[:12]}")
    page.get_by_label("Password", exact=False).first.fill(PASSWORD)
    page.get_by_label("Password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="New practice")).to_be_visible()


def fill_in(page: Page, case: Case) -> None:
    page.goto("/practice/new/")
    page.get_by_label("Which role is it?").fill(case.role)
    page.get_by_label("The job posting").fill(case.posting_text)
    page.get_by_label("Language of the interview").select_option(label=case.language)
    page.get_by_label("or choose a file").set_input_files(FOLDER / case.resume)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("status").first).to_contain_text("Nothing has started yet")


def double_click_start(page: Page, *, times: int) -> None:
    """By the mouse at one place, as fast as it goes, for as long as the form is still shown."""
    button = page.get_by_role("button", name="Start")
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    form_address = page.url
    for _ in range(times):
        if page.url == form_address:
            page.mouse.dblclick(box["x"] + 5, box["y"] + 5)


def start_practice(page: Page, case: Case) -> None:
    fill_in(page, case)
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".question-row")).to_have_count(5, timeout=WAIT_MS)


def try_again_until(page: Page, selector: str, count: int) -> int:
    """How many failure cards were shown on the way; each says that what was written is saved."""
    for seen in range(40):
        expect(page.locator(".at-work, .chip.preparing")).to_have_count(0, timeout=WAIT_MS)
        card = page.locator(".failure").first
        if not card.count():
            expect(page.locator(selector)).to_have_count(count)
            return seen
        expect(card).to_contain_text("the AI service is busy")
        expect(card).to_contain_text(re.compile(r"saved \(\d\d:\d\d:\d\d\)"))
        card.get_by_role("button", name="Try again").click()
    raise AssertionError("40 tries failed in a row")


def assert_questions_name_both(page: Page, case: Case) -> None:
    questions = words(" ".join(page.locator(".question-text").all_inner_texts()))
    posting, resume = words(case.posting_text), words(case.resume_text)
    assert questions & (posting - resume), "no question names a thing of the posting"
    assert questions & (resume - posting), "no question names a thing of the résumé"


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]{6,}", text.lower()))


def answer_all(page: Page) -> None:
    page.get_by_role("link", name="Answer the first question").click()
    for number, answer in enumerate(ANSWERS, start=1):
        expect(page.get_by_text(f"Question {number} of 5")).to_be_visible()
        page.get_by_label("Your answer").fill(answer)
        page.get_by_role("button", name=re.compile("^Save (and continue|answer)$")).click()
        saved = f"Your answer to question {number} is saved"
        expect(page.locator(".message.success")).to_contain_text(saved)


def assert_every_answer_is_scored(page: Page) -> None:
    expect(page.locator(".score-chip")).to_have_count(5, timeout=WAIT_MS)
    session = page.url
    for number, answer in enumerate(ANSWERS):
        page.locator(".question-link").nth(number).click()
        expect(page.locator(".answer-block .words").first).to_have_text(answer)
        expect(page.locator(".feedback")).to_have_count(1)
        expect(page.locator(".feedback .score")).to_contain_text("/ 5")
        expect(page.locator(".feedback .simulated")).to_be_visible()
        page.goto(session)


def finish(page: Page) -> None:
    page.get_by_role("button", name="Finish and sum up").click()
    expect(page.locator("section.summary .prose")).not_to_be_empty(timeout=WAIT_MS)
    expect(page.locator("section.summary .simulated")).to_be_visible()


def counts(app: RunningApp) -> tuple[int, int]:
    return app.count("interview_app_interviewsession"), app.count("operations_operation")
