"""What the kinds share about the content of a reply: strict in what must be there, deaf to more.

A provider that is not strict about schemas adds keys; that does no harm. A missing key, a wrong
type or a number out of its range does.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

NonBlank = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Content(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


CHARACTERS_A_TOKEN = 4
"""Of English; German and JSON take more tokens."""


def tokens_of(system: str, schema: dict[str, Any], *, filled_in: int) -> int:
    """About what a request takes, with so many tokens of the person's own texts."""
    return (len(system) + len(json.dumps(schema))) // CHARACTERS_A_TOKEN + filled_in


def object_schema(**properties: Any) -> dict[str, Any]:
    """A closed object in which every property is required, as strict mode demands."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def list_schema(items: dict[str, Any], *, at_least: int = 0, at_most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": at_least, "maxItems": at_most}


TEXT: dict[str, Any] = {"type": "string"}
TEXT_OR_NULL: dict[str, Any] = {"type": ["string", "null"]}
