"""A posting as people paste it, cleaned for the prompt; what is stored stays as it was pasted.

Takes out what a job board puts around the posting. A rule removes whole lines, and only such as
stand by themselves; where in doubt a line stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from interview_app.board_lines import COOKIE_NOTICE, NAVIGATION, OTHER_JOBS

UNSEEN = frozenset(("script", "style", "noscript", "template", "svg", "nav", "head", "select"))
BLOCKS = re.compile(
    r"address|article|aside|blockquote|d[ltd]|div|footer|form|h\d|header|hr|main|ol|p|pre|section"
    r"|table|t[rdh]|ul|li|br"
)
TAG = re.compile(
    r"</?(?:p|div|br|[uo]l|li|h[1-6]|span|strong|b|em|a|script|html)\b[^>]{0,500}>", re.IGNORECASE
)
MIN_TAGS = 3
BULLET = re.compile(
    r"\A\s*+(?:[•◦▪▫●○■□‣⁃·∙➢➤►▶▸»✓✔✅☑❖◆◇★→🔹🔸👉]|[–—*+-](?=\s)|o(?=\t| {2}))\s*+"
)
LINK = re.compile(r"https?://[^\s<>\"')\]]+")
ONLY_LINK = re.compile(r"\A\W*+(?:https?://|www\.)\S++\W*+")
TRACKED = re.compile(r"[?#].*")
# A heading so early is a menu's.
EARLIEST = 0.3
LD_FIELDS = (
    "description", "responsibilities", "skills", "qualifications", "experienceRequirements",
    "educationRequirements", "jobBenefits", "employmentType",
)  # fmt: skip


def posting_text(pasted: str) -> str:
    """For the prompt. Never empty where `pasted` is not: rather all of it than nothing."""
    text = _from_data(pasted) or (
        _from_html(pasted) if len(TAG.findall(pasted)) >= MIN_TAGS else pasted
    )
    kept = "\n".join(_lines(text)).strip()
    kept = re.sub(r"\n{3,}", "\n\n", kept)
    return kept if re.search(r"\w", kept) else pasted


def _lines(text: str) -> Iterator[str]:
    lines = [_plain(line) for line in text.splitlines()]
    seen: set[str] = set()
    for number, line in enumerate(lines):
        if OTHER_JOBS.fullmatch(line.rstrip(" :")) and number > EARLIEST * len(lines):
            return
        if _is_board(line) or (len(line) > 3 and line in seen):
            continue
        seen.add(line)
        yield LINK.sub(lambda link: TRACKED.sub("", link.group()), line)


def _plain(line: str) -> str:
    if bullet := BULLET.match(line):
        line = "- " + line[bullet.end() :]
    return " ".join(line.replace("\u200b", "").split())


def _is_board(line: str) -> bool:
    if not line:
        return False
    return bool(
        ONLY_LINK.fullmatch(line)
        or (len(line) < 80 and NAVIGATION.fullmatch(line))
        or (len(line) < 600 and COOKIE_NOTICE.search(line))
    )


def _from_data(pasted: str) -> str:
    """The page's own description of the job (schema.org's JobPosting), where its source came."""
    for found in re.finditer(
        r"<script[^>]{0,200}application/ld\+json[^>]{0,200}>(.*?)</script>", pasted, re.S | re.I
    ):
        if text := _job_in(found.group(1)):
            return text
    return _job_in(pasted) if pasted.lstrip().startswith(("{", "[")) else ""


def _job_in(text: str) -> str:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    nodes = data if isinstance(data, list) else [data]
    if isinstance(data, dict) and isinstance(data.get("@graph"), list):
        nodes = data["@graph"]
    job = next((each for each in nodes if isinstance(each, dict) and _is_job(each)), None)
    return "\n".join(_told(job)) if job else ""


def _is_job(node: dict[str, Any]) -> bool:
    kind = node.get("@type")
    return kind == "JobPosting" or (isinstance(kind, list) and "JobPosting" in kind)


def _told(job: dict[str, Any]) -> Iterator[str]:
    yield str(job.get("title", ""))
    company = job.get("hiringOrganization")
    yield str(company.get("name", "")) if isinstance(company, dict) else str(company or "")
    for name in LD_FIELDS:
        for each in job[name] if isinstance(job.get(name), list) else [job.get(name)]:
            if isinstance(each, dict):
                each = each.get("description") or each.get("name") or each.get("credentialCategory")
            if isinstance(each, str):
                yield _from_html(each) if "<" in each or "&" in each else each


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attributes: object) -> None:
        self._unseen += tag in UNSEEN
        if tag == "li":
            self.parts.append("\n- ")
        elif BLOCKS.fullmatch(tag):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(self._unseen - (tag in UNSEEN), 0)
        if BLOCKS.fullmatch(tag):
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data if "\n" not in data else " ".join(data.split("\n")))


def _from_html(source: str) -> str:
    words = _Words()
    words.feed(source)
    words.close()
    text = "".join(words.parts)
    # A description may be escaped once more.
    return _from_html(text) if len(TAG.findall(text)) >= MIN_TAGS and "&lt;" in source else text
