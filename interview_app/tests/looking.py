"""What a test looks at in a browser besides words: accessibility, width, pictures for the docs."""

from __future__ import annotations

import os
from base64 import b64decode
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from playwright.sync_api import Page, Request, Response

AXE = Path(__file__).parent / "data" / "axe" / "axe.min.js"
LOST_TEXT = Path(__file__).parent / "data" / "lost_text.js"
WEBP_QUALITY = 20
"""Letters are sharp still; forty pictures are half a megabyte."""
MOST_BYTES = 100_000
"""Of a first load, everything a page asks for."""
RUN_AXE = """async (place) => {
  const report = await axe.run(place ?? document, { resultTypes: ["violations"] });
  return report.violations;
}"""
"""Every rule is applied; of what passes, nothing is described."""


def found_by_axe(page: Page, place: dict[str, list[str]] | None = None) -> list[dict[str, Any]]:
    """All violations of any impact; `place`: what to include and exclude, by selectors."""
    page.wait_for_load_state("load")  # a click's page may still be on its way
    page.evaluate(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(RUN_AXE, place)
    return found


def too_wide(page: Page) -> list[str]:
    """Tables may scroll within themselves, the page must not (WCAG 1.4.10)."""
    width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [f"scrolls {width} px sideways"] if width > 0 else []


def lost_text(page: Page) -> list[str]:
    """What cannot be read, with all parts unfolded (WCAG 1.4.4): words outside of their box, over
    other words, or cut off."""
    lost: list[str] = page.evaluate(LOST_TEXT.read_text("utf-8"))
    return lost


def double_text(page: Page) -> None:
    """Twice as large letters in a window of the same size, as a browser's own setting does it."""
    page.evaluate("document.documentElement.style.fontSize = '200%'")


class Load:
    """What a page's load brought over the line, from where, and what the browser said to it."""

    def __init__(self, page: Page, host: str) -> None:
        self.page, self.host, self.answers = page, host, list[Response]()
        self.complaints: list[str] = []
        page.on("response", lambda answer: self.answers.append(answer))
        page.on("requestfailed", self._failed)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )

    def _failed(self, request: Request) -> None:
        # The icon is fetched after all else: who goes on to the next page cuts it off.
        is_left = request.url.endswith("/icon.svg") and request.failure == "net::ERR_ABORTED"
        if not is_left:
            self.complaints.append(f"failed: {request.url}")

    def faults(self) -> list[str]:
        """Since the last call."""
        answers, self.answers[:] = list(self.answers), []
        weight = sum(
            sizes["responseBodySize"] + sizes["responseHeadersSize"]
            for sizes in (answer.request.sizes() for answer in answers)
        )
        foreign = [each.url for each in answers if urlsplit(each.url).netloc != self.host]
        heavy = [f"{weight} bytes"] if weight > MOST_BYTES else []
        complaints, self.complaints[:] = list(self.complaints), []
        return foreign + heavy + complaints


TABLES_CUT_OFF = """() => [...document.querySelectorAll("table")].filter((table) => {
  for (let box = table; box && box !== document.body; box = box.parentElement) {
    const scrolls = ["auto", "scroll", "hidden"].includes(getComputedStyle(box).overflowX);
    if (scrolls && box.scrollWidth > box.clientWidth + 1) return true;
  }
  return false;
}).map((table) => `cut off: ${table.caption?.innerText || table.id || table.className}`)"""


def cut_off(page: Page) -> list[str]:
    """Tables of which one sees a part only after scrolling within them."""
    tables: list[str] = page.evaluate(TABLES_CUT_OFF)
    return tables


def keep_screenshot(page: Page, name: str, *, of: str = "") -> None:
    """Remakes a picture of the docs, only when SCREENSHOTS=1 asks for it (`make screenshots`);
    `of`: a selector. WebP has a fifth of PNG's bytes, and only Chromium's own protocol makes
    it."""
    if os.environ.get("SCREENSHOTS") != "1":
        return
    asked: dict[str, Any] = {"format": "webp", "quality": WEBP_QUALITY}
    if of and (box := page.locator(of).first.bounding_box()):
        asked |= {"clip": {**box, "scale": 1}, "captureBeyondViewport": True}
    with_protocol = page.context.new_cdp_session(page)
    path = Path(settings.BASE_DIR, "docs", "images", name)
    path.write_bytes(b64decode(with_protocol.send("Page.captureScreenshot", asked)["data"]))
    with_protocol.detach()
