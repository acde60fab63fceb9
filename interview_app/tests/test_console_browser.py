"""The console in a real browser, as an operator on a bad day uses it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Request, Route, ViewportSize, expect

from interview_app.tests.conftest import RunningApp, opened_browser, started_app
from interview_app.tests.looking import cut_off, found_by_axe, keep_screenshot, too_wide
from interview_app.tests.switched_provider import SwitchedProvider, switched_provider

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

LIST = "/admin/operations/operation/"
BAD_HOUR = "from interview_app.tests.console_rows import *; make_bad_hour()"
EVERY_STATE = "from interview_app.tests.console_rows import *; make_every_state()"
NARROW: ViewportSize = {"width": 360, "height": 740}
WIDE: ViewportSize = {"width": 1280, "height": 900}
IMPACTS = ("serious", "critical")
OURS = {"include": ["#content"], "exclude": ["#toolbar"]}


@pytest.fixture(scope="module")
def provider() -> Iterator[SwitchedProvider]:
    with switched_provider() as server:
        yield server


@pytest.fixture(scope="module")
def console_app(
    tmp_path_factory: pytest.TempPathFactory, provider: SwitchedProvider
) -> Iterator[RunningApp]:
    environment = {"OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "sk-proj-tests-only"}
    with started_app(tmp_path_factory.mktemp("console"), **environment) as app:
        app.run(BAD_HOUR)
        yield app


@pytest.fixture
def in_app(console_app: RunningApp) -> Callable[[str], str]:
    return console_app.run


@pytest.fixture
def operator(browser: Browser, console_app: RunningApp) -> Iterator[Page]:
    """Signed in, without JavaScript: everything has to work so."""
    with opened_browser(browser, console_app, java_script=False) as context:
        page = context.new_page()
        sign_in(page)
        yield page


def sign_in(page: Page, username: str = "operator") -> None:
    page.goto(f"/admin/login/?next={LIST}")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill("operate it")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{LIST}")


def test_operator_finds_and_repairs_a_bad_hour(operator: Page) -> None:
    page = operator
    page.set_viewport_size({"width": 1280, "height": 1100})
    expect(page.get_by_role("link", name="Failed 500")).to_be_visible()
    keep_screenshot(page, "operations-list.webp")

    page.get_by_text("Overview").click()
    page.get_by_title("server_error, last 1h").click()
    expect(page.get_by_text("120 results")).to_be_visible()
    page.get_by_role("button", name="Retry all 120").click()

    expect(page.get_by_text("120 operations chosen: 120 can be retried")).to_be_visible()
    page.get_by_role("button", name="Retry 120 operations").click()

    expect(page.get_by_text("Done: 120 retried, 0 skipped")).to_be_visible(timeout=60_000)
    assert page.get_by_role("progressbar").get_attribute("value") == "120"
    look_until(page, lambda: states(page) == {"completed": "120"})
    keep_screenshot(page, "bulk-report.webp")
    with page.expect_download() as download:
        page.get_by_role("link", name="Report as CSV").click()
    assert len(download.value.path().read_text().splitlines()) == 121

    page.get_by_role("link", name="Back to the list, with its filters").click()
    expect(page.get_by_text("0 results")).to_be_visible()


def test_operator_mends_a_refused_key(
    operator: Page, provider: SwitchedProvider, in_app: Callable[[str], None]
) -> None:
    page = operator
    provider.accepts_key = False
    start = "from interview_app.tests.console_rows import *; start_sessions({})".format
    in_app(start(1))
    look_until(page, lambda: page.get_by_text("Paused: INVALID_API_KEY").is_visible())
    in_app(start(3))
    look_again(page)
    expect(page.get_by_role("link", name="3 operations waiting")).to_be_visible()

    page.get_by_text("Overview").click()
    page.get_by_title("authentication, last 15m").click()
    page.get_by_role("row").get_by_role("link", name="Questions").click()
    expect(page.get_by_text("OPENAI_API_KEY is wrong")).to_be_visible()
    provider.accepts_key = True  # the operator has mended it in the provider's account

    page.goto(LIST)
    page.get_by_role("button", name="Probe and resume").click()
    look_until(page, lambda: not page.get_by_text("Paused: INVALID_API_KEY").is_visible())
    look_until(page, lambda: page.get_by_role("link", name="Paused 0").is_visible())
    look_until(page, lambda: page.get_by_role("link", name="Queued 0").is_visible())
    page.get_by_role("link", name="Completed", exact=False).first.click()
    expect(page.get_by_text("524 results")).to_be_visible()


def test_operator_goes_from_a_paused_operation_to_the_mended_provider(
    browser: Browser,
    console_app: RunningApp,
    provider: SwitchedProvider,
    in_app: Callable[[str], None],
) -> None:
    start = "from interview_app.tests.console_rows import *; start_sessions({})".format
    provider.accepts_key = False
    with opened_browser(browser, console_app) as context:
        page = context.new_page()
        page.set_viewport_size(WIDE)
        sign_in(page)
        in_app(start(1))
        look_until(page, lambda: page.get_by_text("Paused: INVALID_API_KEY").is_visible())
        in_app(start(2))
        look_again(page)
        row = page.locator("#result_list tbody tr").first.bounding_box()
        assert row is not None
        assert row["y"] + row["height"] <= WIDE["height"]

        page.goto(f"{LIST}?state=paused")
        page.locator("#result_list tbody th a").first.click()
        expect(page.get_by_text("The provider refused its key or account")).to_be_visible()
        assert serious_violations(page) == []
        provider.accepts_key = True  # mended in the provider's account
        page.get_by_role("button", name="Probe and resume").click()

        expect(page.locator(".op-state.op-completed")).to_be_visible(timeout=60_000)
        expect(page.get_by_role("heading", name="Why it waits")).to_have_count(0)
        page.get_by_role("button", name="Pause refresh").click()
        expect(page.get_by_text("This page stands still.")).to_be_visible()


@pytest.fixture
def live(browser: Browser, console_app: RunningApp) -> Iterator[Page]:
    """The list, whose timers go by `let_time_pass` alone."""
    with opened_browser(browser, console_app) as context:
        page = context.new_page()
        sign_in(page)
        page.clock.install()
        page.goto(f"{LIST}?state=all")
        yield page


def is_refresh(request: Request) -> bool:
    return "x-refresh" in request.headers


def let_it_refresh(page: Page) -> None:
    with page.expect_response(lambda response: is_refresh(response.request)):
        page.clock.run_for(6000)


def refreshes_in_a_minute(page: Page) -> int:
    asked: list[Request] = []

    def note(request: Request) -> None:
        if is_refresh(request):
            asked.append(request)

    page.on("request", note)
    page.clock.run_for(60_000)
    page.wait_for_timeout(1500)  # for what is on its way
    page.remove_listener("request", note)
    return len(asked)


def start_one(in_app: Callable[[str], None]) -> None:
    in_app("from interview_app.tests.console_rows import *; start_sessions(1)")


def test_list_renews_itself(live: Page, in_app: Callable[[str], None]) -> None:
    newest = live.locator("#result_list tbody tr").first
    before = newest.inner_text()
    start_one(in_app)

    let_it_refresh(live)

    expect(newest).not_to_have_text(before, use_inner_text=True)


def test_refresh_takes_nothing_from_who_works_with_the_list(
    live: Page, in_app: Callable[[str], None]
) -> None:
    head, row = live.locator("#op-live-head"), live.locator("#result_list tbody tr").nth(2)
    row.locator("input.action-select").check()
    live.get_by_text("Pause by hand").click()
    reason = live.get_by_label("Reason, for whoever meets the pause")
    reason.fill("the bill")
    head_before, ticked = head.inner_text(), row.inner_text()
    start_one(in_app)

    let_it_refresh(live)

    expect(head).not_to_have_text(head_before, use_inner_text=True)
    assert row.inner_text() == ticked
    assert live.locator("#result_list tbody input:checked").count() == 1
    expect(reason).to_be_focused()
    expect(reason).to_have_value("the bill")


def test_refresh_stands_still_on_demand_and_where_nobody_looks(live: Page) -> None:
    live.get_by_role("button", name="Pause refresh").click()
    assert refreshes_in_a_minute(live) == 0
    expect(live.get_by_text("This page stands still.")).to_be_visible()

    live.get_by_role("button", name="Pause refresh").click()
    let_it_refresh(live)
    live.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    assert refreshes_in_a_minute(live) == 0
    live.evaluate("delete document.hidden")
    let_it_refresh(live)


def test_rows_are_on_the_first_screen_while_all_is_calm(operator: Page) -> None:
    page = operator
    page.set_viewport_size(WIDE)
    page.goto(LIST)

    assert page.get_by_role("link", name="Needs attention").get_attribute("aria-current") == "true"
    expect(page.locator("#op-overview")).not_to_have_attribute("open", "")
    rows = [row.bounding_box() for row in page.locator("#result_list tbody tr").all()[:5]]
    keep_screenshot(page, "operations-calm.png")
    assert all(box and box["y"] + box["height"] <= WIDE["height"] for box in rows), rows


def test_operator_pauses_a_kind_and_lets_it_go_on(
    operator: Page, in_app: Callable[[str], None]
) -> None:
    page = operator
    page.goto(LIST)
    page.get_by_text("Pause by hand").click()
    page.get_by_label("What").select_option(label="Questions")
    page.get_by_label("Reason, for whoever meets the pause").fill("the prompt is being mended")
    page.get_by_role("button", name="Pause it").click()
    start_one(in_app)

    look_until(page, lambda: page.get_by_role("link", name="1 operation waiting").is_visible())
    page.get_by_role("link", name="1 operation waiting").click()
    page.locator("#result_list tbody th a").first.click()
    expect(page.get_by_text("the prompt is being mended")).to_be_visible()
    page.get_by_role("button", name="Resume").click()

    look_until(page, lambda: page.locator(".op-state.op-completed").is_visible())


def test_page_of_an_operation_draws_its_attempts_and_waits(operator: Page) -> None:
    page = operator
    page.goto(f"{LIST}?state=failed&code=SERVER_ERROR")
    page.get_by_role("row").nth(1).get_by_role("link").first.click()

    strip = page.get_by_role("img", name="Calls and waits of run 1")
    expect(strip.locator("g.call.failed")).to_have_count(4)
    expect(strip.locator("g.wait")).to_have_count(3)
    page.set_viewport_size({"width": 1280, "height": 1250})
    keep_screenshot(page, "operation-detail.webp")


@pytest.fixture(scope="module")
def every_state(console_app: RunningApp, provider: SwitchedProvider) -> Iterator[None]:
    provider.accepts_key = False  # or the supervisor's probe ends the pause
    console_app.run(EVERY_STATE)
    yield
    provider.accepts_key = True


@pytest.mark.timeout(600)  # forty pages: a minute on an idle machine, five on a busy one
@pytest.mark.usefixtures("every_state")
@pytest.mark.parametrize(
    ("scheme", "size"), [("light", WIDE), ("dark", NARROW)], ids=["light, wide", "dark, narrow"]
)
def test_axe_finds_no_serious_violation(
    browser: Browser,
    console_app: RunningApp,
    scheme: Literal["light", "dark"],
    size: ViewportSize,
) -> None:
    found: dict[str, list[str]] = {}
    for user, pages in (("operator", PAGES), ("clerk", PAGES_OF_READ_ONLY)):
        with opened_browser(browser, console_app) as context:
            page = context.new_page()
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(size)
            page.route(re.compile("/bulkaction/.*/change/"), hold_still)
            sign_in(page, user)
            for name, open_page in pages.items():
                open_page(page)
                if faults := serious_violations(page) + too_wide(page):
                    found[name] = faults

    assert found == {}


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("every_state")
def test_no_table_is_cut_off(browser: Browser, console_app: RunningApp) -> None:
    found: dict[str, list[str]] = {}
    with opened_browser(browser, console_app) as context:
        page = context.new_page()
        page.set_viewport_size(WIDE)
        page.route(re.compile("/bulkaction/.*/change/"), hold_still)
        sign_in(page)
        for name, open_page in (PAGES | OTHER_PAGES).items():
            open_page(page)
            if faults := cut_off(page) + too_wide(page):
                found[name] = faults

    assert found == {}


def hold_still(route: Route) -> None:
    """A bulk action under way renews its page, perhaps while axe reads it."""
    response = route.fetch(max_redirects=0)
    headers = {name: value for name, value in response.headers.items() if name != "refresh"}
    route.fulfill(response=response, headers=headers)


def drafts(verb: str, query: str) -> Callable[[Page], object]:
    def open_confirmation(page: Page) -> None:
        page.goto(f"{LIST}?{query}")
        page.get_by_role("button", name=f"{verb} all").click()
        page.wait_for_url(re.compile("/bulkaction/.*/change/"))

    return open_confirmation


def follows(listed: str, link: str = "#result_list tbody th a") -> Callable[[Page], object]:
    def open_first(page: Page) -> None:
        page.goto(listed)
        page.locator(link).first.click()
        page.wait_for_url(re.compile("/change/"))

    return open_first


def opens(address: str) -> Callable[[Page], object]:
    return lambda page: page.goto(address)


def reports(state: str, query: str = "") -> Callable[[Page], object]:
    def open_report(page: Page) -> None:
        follows(f"{BULK}?state__exact={state}")(page)
        if query:
            page.goto(page.url.split("?")[0] + query)

    return open_report


def asks_to_delete(page: Page) -> None:
    follows(SESSIONS)(page)
    page.goto(page.url.replace("/change/", "/delete/"))


BULK = "/admin/operations/bulkaction/"
SESSIONS = "/admin/interview_app/interviewsession/"

PAGES: dict[str, Callable[[Page], object]] = {
    "list, with pauses above it": opens(LIST),
    "charts": opens(f"{LIST}charts/"),
    "filtered list": opens(f"{LIST}?state=failed&ended=24h"),
    "list of what a search found": opens(f"{LIST}?q=503"),
    "list of nothing": opens(f"{LIST}?q=words+of+no+text"),
    "list of what is paused": opens(f"{LIST}?state=paused"),
    "operation that failed": follows(f"{LIST}?state=failed&code=SERVER_ERROR"),
    "operation of two runs": follows(f"{LIST}?state=acknowledged"),
    "operation that waits": follows(f"{LIST}?state=paused"),
    "operation that ended well": follows(f"{LIST}?state=completed"),
    "confirmation of a retry": drafts("Retry", "state=failed&q=mara"),
    "confirmation of a retry with some skipped": drafts("Retry", "q=mara"),
    "confirmation of a cancellation": drafts("Cancel", "state=paused"),
    "confirmation of an acknowledgement": drafts("Acknowledge", "state=failed&code=TIMEOUT"),
    "bulk action under way": reports("running"),
    "bulk action that was stopped": reports("stopped"),
    "report of a bulk action": reports("done"),
    "last page of a report": reports("done", "?p=3"),
    "what a report says was skipped": reports("done", "?outcome=skipped"),
    "bulk actions": opens(BULK),
    "pauses": opens("/admin/operations/providerpause/"),
    "workers": opens("/admin/operations/workerheartbeat/"),
    "looks at content": opens("/admin/operations/contentview/"),
    "sessions": opens(SESSIONS),
    "session with its words": follows(f"{SESSIONS}?finished_at__isnull=False"),
    "session to be deleted": asks_to_delete,
    "postings": opens("/admin/interview_app/jobposting/"),
    "posting": follows("/admin/interview_app/jobposting/"),
    "resumes": opens("/admin/interview_app/resume/"),
    "resume": follows("/admin/interview_app/resume/"),
    "feedback": opens("/admin/interview_app/feedback/"),
    "one feedback": follows("/admin/interview_app/feedback/"),
    "summaries": opens("/admin/interview_app/sessionsummary/"),
    "summary": follows("/admin/interview_app/sessionsummary/"),
    "users": opens("/admin/auth/user/"),
}

OTHER_PAGES = {
    path: opens(f"/admin/{path}/")
    for path in (
        "operations/alert",
        "operations/limit",
        "operations/providercapability",
        "operations/providercontact",
        "operations/providerrate",
        "auth/group",
        "docs/operating",
        "docs/errors",
    )
}

PAGES_OF_READ_ONLY: dict[str, Callable[[Page], object]] = {
    "list without verbs": opens(LIST),
    "charts for readers": opens(f"{LIST}charts/"),
    "operation without verbs": follows(f"{LIST}?state=failed&code=SERVER_ERROR"),
    "report without verbs": reports("running"),
    "session without its words": follows(f"{SESSIONS}?finished_at__isnull=False"),
}


def serious_violations(page: Page) -> list[str]:
    """Of what this project puts on the page; the frame around it is Django's."""
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in found_by_axe(page, OURS)
        if violation["impact"] in IMPACTS
        for node in violation["nodes"][:3]
    ]


def states(page: Page) -> dict[str, str]:
    facts = page.locator(".op-facts > div")
    return {
        fact.locator("dt").inner_text(): fact.locator("dd").inner_text() for fact in facts.all()
    }


def look_until(page: Page, condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Open the page again, as a person would, until it is so."""
    end = time.monotonic() + seconds
    look_again(page)
    while not condition():
        assert time.monotonic() < end, page.locator("main").inner_text()[:2000]
        time.sleep(1.0)
        look_again(page)


def look_again(page: Page) -> None:
    """Not `reload`: Chromium refuses it while the answer to a click is still on its way."""
    page.wait_for_load_state("load")
    page.goto(page.url, wait_until="load")
