"""PAGE.html OUT.pdf TAGGED: prints the page, and writes beside it what a person sees of it."""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Route, sync_playwright

page_file, out, tagged = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "True"
bootstrap = Path(os.environ["NODE_HOME"], "node_modules/bootstrap/dist/css/bootstrap.min.css")


def answer(route: Route) -> None:
    """The style sheet that themes are laid out by comes from its package; no net for the rest."""
    if "bootstrap.min.css" in route.request.url:
        route.fulfill(path=bootstrap, content_type="text/css")
    elif route.request.url.startswith("file:"):
        route.continue_()
    else:
        route.abort()


with sync_playwright() as playwright:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    page = browser.new_page()
    page.route("**/*", answer)
    page.goto(page_file.as_uri(), wait_until="load")
    page.emulate_media(media="print")
    page_file.with_suffix(".txt").write_text(page.inner_text("body"), "utf-8")
    page.pdf(path=out, tagged=tagged, format="A4", prefer_css_page_size=True)
    browser.close()
