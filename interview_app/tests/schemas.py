"""What strict mode demands of a JSON schema
(https://platform.openai.com/docs/guides/structured-outputs)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def assert_is_strict(schema: Mapping[str, Any]) -> None:
    """Every object is closed and all its properties are required, at every depth."""
    if schema.get("type") == "object":
        assert schema["additionalProperties"] is False
        assert sorted(schema["required"]) == sorted(schema["properties"])
    for child in schema.get("properties", {}).values():
        assert_is_strict(child)
    if "items" in schema:
        assert_is_strict(schema["items"])
