"""What a reader gives back: a text with remarks, or a refusal by name."""

from __future__ import annotations

from dataclasses import dataclass, field


class Refused(Exception):
    """The file cannot be used; the argument is the code that says why."""


@dataclass
class Reading:
    text: str
    warnings: list[str] = field(default_factory=list)
    """Codes, each once, in the order met."""
    entries: list[dict[str, str]] | None = None
    """What the file itself says of its entries; None where it says nothing of the kind."""
