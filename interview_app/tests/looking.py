"""What a test looks at in a browser besides words: accessibility, width, pictures for the docs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from playwright.sync_api import Page

AXE = Path(__file__).parent / "data" / "axe" / "axe.min.js"
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


def keep_screenshot(page: Page, name: str, *, of: str = "") -> None:
    """Remakes a picture of the docs, only when SCREENSHOTS=1 asks for it; `of`: a selector."""
    if os.environ.get("SCREENSHOTS") != "1":
        return
    path = Path(settings.BASE_DIR) / "docs" / "images" / name
    if of:
        page.locator(of).first.screenshot(path=path)
    else:
        page.screenshot(path=path)
