"""A browser without a screen: cookies, forms and links over real HTTP."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlencode, urljoin, urlsplit

# What a crawl must not follow: it would be signed out, or be told the same in another order.
LEFT_ALONE = re.compile(r"/logout/|/jsi18n/|[?&](o|_popup|_to_field|_facets|e)=")
MOST_OF_A_PATH = 3
"""Addresses that differ in their query alone: each filter of a list leads to all other filters."""


@dataclass
class Page:
    url: str
    status: int
    html: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    def links(self) -> list[str]:
        found = re.findall(r'(?:href|action)="([^"#]+)', self.html)
        return [urljoin(self.url, each.replace("&amp;", "&")) for each in found]


class Visitor:
    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        # Production's cookies are for HTTPS alone, which ends at a proxy that is not here.
        self.cookies = CookieJar(DefaultCookiePolicy(secure_protocols=("http",)))
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies)
        )

    def get(self, path: str) -> Page:
        return self._open(urllib.request.Request(urljoin(self.base, path)))  # noqa: S310

    def post(self, path: str, **form: str) -> Page:
        """The form of that page, with its token against forgery."""
        self.get(path)
        token = next(cookie.value for cookie in self.cookies if cookie.name == "csrftoken")
        body = urlencode({"csrfmiddlewaretoken": token, **form}).encode()
        return self._open(urllib.request.Request(urljoin(self.base, path), body))  # noqa: S310

    def crawl(self, start: str, *, most: int) -> list[Page]:
        """The pages below `start` that links lead to."""
        waiting = [urljoin(self.base, start)]
        known = set(waiting)
        of_path = Counter[str]()
        pages: list[Page] = []
        while waiting and len(pages) < most:
            pages.append(self.get(waiting.pop(0)))
            for link in pages[-1].links():
                inside = link.startswith(self.base + start) and not LEFT_ALONE.search(link)
                path = link.partition("?")[0]
                if inside and link not in known and of_path[path] < MOST_OF_A_PATH:
                    of_path[path] += 1
                    known.add(link)
                    waiting.append(link)
        return pages

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            answer = self._opener.open(request, timeout=30)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            return Page(answer.url, answer.status or 0, answer.read().decode("utf-8", "replace"))
