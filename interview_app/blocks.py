"""Delimited data in a prompt: what a person wrote stands between tags that it cannot forge.

Whoever reads a prompt (the model, the simulated provider) takes what stands in a block as data. A
tag of ours inside the data loses its bracket, so that no text can close its own block or open one.
"""

from __future__ import annotations

import re

TAGS = (
    "interview",
    "job_posting",
    "resume",
    "resume_entries",
    "question",
    "candidate_answer",
    "answer",
    "feedback",
    "already_asked",
    "asked_earlier",
)

BRACKET_OF_A_TAG = re.compile(rf"[<＜](?=\s*+[/／]?\s*+(?:{'|'.join(TAGS)})\b)", re.IGNORECASE)


def block(tag: str, text: str) -> str:
    return f"<{tag}>\n{neutralised(text)}\n</{tag}>"


def neutralised(text: str) -> str:
    """The text with ‹ in place of the bracket of every tag of ours; `evidence` reads them alike."""
    return BRACKET_OF_A_TAG.sub("‹", text)


def block_text(tag: str, prompt: str) -> str:
    """What stands in the first block of this tag; empty where there is none."""
    found = re.search(rf"<{tag}>\n(.*?)\n</{tag}>", prompt, re.DOTALL)
    return found.group(1) if found else ""


def fields_block(tag: str, fields: dict[str, object]) -> str:
    """One `name: value` a line; white space in a value cannot start a line of its own."""
    lines = (f"{name}: {' '.join(str(value).split())}" for name, value in fields.items())
    return block(tag, "\n".join(lines))


def block_fields(tag: str, prompt: str) -> dict[str, str]:
    lines = (line.partition(": ") for line in block_text(tag, prompt).splitlines())
    return {name: value for name, separator, value in lines if separator}
