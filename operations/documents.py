"""The project's own documents for who operates it: read from its tree, shown as they stand there.

Every installation has that tree, in the version that runs; an address on the web is known to none
(docs/decisions/0036).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from django.utils.text import slugify

HEADING = re.compile(r"#{1,4} (?P<title>.+)")
PICTURE = re.compile(r"!\[[^\[\]]*\]\([^()]*\)")


@dataclass
class Part:
    """A heading and the lines below it, up to the next one."""

    title: str
    lines: list[str] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        return slugify(self.title)

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


def document_url(place: str) -> str:
    """Of "name" or "name#anchor"; empty where the tree has no such file."""
    name, _, anchor = place.partition("#")
    if name not in document_names():
        return ""
    address = reverse("console_document", args=[name])
    return f"{address}#{anchor}" if anchor else address


def document_names() -> list[str]:
    return sorted(each.stem for each in folder().glob("*.md"))


def folder() -> Path:
    return Path(settings.BASE_DIR, "docs")


def parts(text: str) -> Iterator[Part]:
    part, in_code = Part(""), False
    for line in text.splitlines():
        in_code ^= line.startswith("```")
        if (heading := HEADING.fullmatch(line)) and not in_code:
            if part.title:
                yield part
            part = Part(heading["title"].replace("`", ""))
        elif not PICTURE.fullmatch(line):
            part.lines.append(line)
    yield part
