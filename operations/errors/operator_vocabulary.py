"""The operator's own words of providers: a JSON file of {"provider_code": "ERROR_CODE"}, and under
"messages" {"what a message says": "ERROR_CODE"}.

Named by OPERATIONS_ERROR_VOCABULARY, checked at start, used by the classifier in workers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from operations.errors import RULES

MESSAGES = "messages"
SHORTEST_MESSAGE = 8
"""Characters: a single word is in too many messages."""


@dataclass(frozen=True)
class OperatorVocabulary:
    """Error codes, by code or type as the file has it and by a part of the message."""

    codes: Mapping[str, str] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)
    """Plain text, case-folded: found anywhere in a message."""

    def code_of_message(self, message: str) -> str | None:
        folded = message.casefold() if self.messages else ""
        return next((code for part, code in self.messages.items() if part in folded), None)


def vocabulary_words() -> str:
    """How many of an operator's own codes are in use, for people."""
    path = settings.OPERATIONS_ERROR_VOCABULARY
    if not path:
        return "no codes of your own"
    own = read_vocabulary(Path(path))
    return f"{len(own.codes)} codes and {len(own.messages)} messages of your own from {path}"


def read_vocabulary(path: Path) -> OperatorVocabulary:
    """What the file says; raises OSError or ValueError, with a reason."""
    codes = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(codes, dict):
        raise ValueError("it holds no JSON object")
    messages = codes.pop(MESSAGES) if isinstance(codes.get(MESSAGES), dict) else {}
    for word, code in (*codes.items(), *messages.items()):
        if not isinstance(code, str) or code not in RULES:
            raise ValueError(f"{word!r} is mapped to {code!r}, which is no error code")
    for part in messages:
        if len(part.strip()) < SHORTEST_MESSAGE:
            raise ValueError(f"{part!r} needs at least {SHORTEST_MESSAGE} characters")
    return OperatorVocabulary(codes, {part.casefold(): code for part, code in messages.items()})
