"""What a file should give, and how a text is held against it.

Case, white space and the shapes of hyphens and ligatures are no matter; a fact is found where all
its characters stand in one piece, with blanks where it has blanks.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

HYPHENS = str.maketrans({"‐": "-", "‑": "-", "\u00ad": None, "’": "'"})
JUNK = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufffd\ufffe\ue000-\uf8ff]|\(cid:\d+\)")


@dataclass
class Facts:
    all: list[str]
    jobs: dict[str, list[str]]
    """Bullets by employer, project or club; each name stands once in the file."""

    def shown_in(self, page: str) -> Facts:
        """Those that the page holds: no template shows everything."""
        shown = normal(page)
        jobs = {
            name: [bullet for bullet in bullets if _holds(shown, bullet)]
            for name, bullets in self.jobs.items()
            if _holds(shown, name)
        }
        return Facts([fact for fact in self.all if _holds(shown, fact)], jobs)


@dataclass
class Score:
    facts: int
    of_facts: int
    bullets: int
    of_bullets: int
    lost_words: int
    junk: int
    missing: list[str]


def facts_of(resume: dict[str, Any]) -> Facts:
    basics = resume["basics"]
    found = [basics[key] for key in ("name", "label", "email", "summary")]
    jobs: dict[str, list[str]] = {}
    for section, name in (("work", "name"), ("volunteer", "organization"), ("projects", "name")):
        for entry in resume[section]:
            jobs[entry[name]] = entry["highlights"]
            found += [entry[name], *entry["highlights"]]
            found += [entry[key] for key in ("position", "summary", "description") if key in entry]
    for entry in resume["education"]:
        found += [entry["institution"], entry["area"], *entry["courses"]]
    for entry in resume["skills"]:
        found += [entry["name"], *entry["keywords"]]
    found += [entry["language"] for entry in resume["languages"]]
    found += [entry[key] for entry in resume["awards"] for key in ("title", "awarder")]
    found += [entry[key] for entry in resume["publications"] for key in ("name", "publisher")]
    found += [entry[key] for entry in resume["references"] for key in ("name", "reference")]
    return Facts(list(dict.fromkeys(found)), jobs)


def normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).translate(HYPHENS).casefold().split())


def _holds(text: str, fact: str) -> bool:
    """As words of their own, in a text that is normal."""
    return bool(re.search(rf"(?<!\w){re.escape(normal(fact))}(?!\w)", text))


def score(text: str, facts: Facts) -> Score:
    read = normal(text)
    missing = [fact for fact in facts.all if not _holds(read, fact)]
    bullets = [(name, bullet) for name, all_ in facts.jobs.items() for bullet in all_]
    misplaced = [
        f"{bullet} [not under {name}]"
        for name, bullet in bullets
        if _last_name_before(read, bullet, facts) != name
    ]
    words = set(re.findall(r"\w{3,}", read))
    lost = {word for fact in facts.all for word in re.findall(r"\w{3,}", normal(fact))} - words
    return Score(
        len(facts.all) - len(missing),
        len(facts.all),
        len(bullets) - len(misplaced),
        len(bullets),
        len(lost),
        len(JUNK.findall(text)),
        missing + misplaced,
    )


def _last_name_before(read: str, bullet: str, facts: Facts) -> str | None:
    at = read.find(normal(bullet))
    if at < 0:
        return None
    places = {name: read.rfind(normal(name), 0, at) for name in facts.jobs}
    last = max(places, key=lambda name: places[name], default=None)
    return last if last and places[last] >= 0 else None
