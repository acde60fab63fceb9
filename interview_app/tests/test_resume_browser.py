"""A résumé's way through a browser: uploaded, seen, corrected, used."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest
from django.conf import settings
from django.utils import translation
from playwright.sync_api import Page, expect

from interview_app.resume_limits import ENCODING_GUESSED, FEW_WORDS
from interview_app.resume_texts import WARNINGS
from interview_app.tests.conftest import WAIT_MS
from interview_app.tests.test_browser import sign_up

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

FILE = "Zoë Quill\nExperience\nCook, Café Tallyroo  2021 – now\n• Ran nine roll-outs.\n"
CORRECTED = FILE.replace("nine", "eleven")


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_file_is_uploaded_seen_corrected_and_used(page: Page, language: str) -> None:
    sign_up(page)
    whole_site = urljoin(page.url, "/")  # else the cookie holds for the page's own folder alone
    page.context.add_cookies(
        [{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": whole_site}]
    )

    upload(page, FILE.encode("cp1252"))

    expect(page.locator("html")).to_have_attribute("lang", language)
    assert_warned(page, language)
    expect(page.locator("#id_resume_text")).to_have_value(FILE.strip())
    correct(page)
    assert_used(page)


def upload(page: Page, content: bytes) -> None:
    page.goto("/resume/")
    file = {"name": "cv.txt", "mimeType": "text/plain", "buffer": content}
    page.locator("#id_resume_file").set_input_files(file)  # type: ignore[arg-type]
    page.locator("form:has(#id_resume_file) button").click()


def assert_warned(page: Page, language: str) -> None:
    with translation.override(language):
        told = [str(WARNINGS[code]) for code in (ENCODING_GUESSED, FEW_WORDS)]
    expect(page.locator("main .notice li")).to_have_text(told)


def correct(page: Page) -> None:
    page.locator("#id_resume_text").fill(CORRECTED)
    page.locator("form:has(#id_resume_file) button").click()
    expect(page.locator("#id_entries-0-employer")).to_have_value("Café Tallyroo")
    page.locator("#id_entries-0-employer").fill("Tallyroo Kitchens")
    page.locator("form[action$='/resume/entries/'] button").click()
    expect(page.locator("#id_entries-0-employer")).to_have_value("Tallyroo Kitchens")
    expect(page.locator("#id_resume_text")).to_have_value(CORRECTED)


def assert_used(page: Page) -> None:
    """The practice begins with the corrected text and entries: its questions name them."""
    page.goto("/practice/new/")
    expect(page.locator("#id_resume_text")).to_have_value(CORRECTED)
    page.locator("#id_role").fill("Chef")
    page.locator("form:has(#id_role) .actions button").click()
    expect(page.locator(".question-row")).to_have_count(5, timeout=WAIT_MS)
    expect(page.locator("main")).to_contain_text("Tallyroo Kitchens")
