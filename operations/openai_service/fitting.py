"""Whether a value fits the JSON schema that was asked for: the proof for answers that came by an
odd way or with an odd finish reason.

It knows what our schemas are made of. A keyword that it does not know proves nothing, so the answer
does not fit. Extra keys do no harm, as in the kinds' own check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_NUMBER = (int, float)
_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "number": lambda v: isinstance(v, _NUMBER) and not isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}

# Keyword → does the value satisfy it? Each says nothing about values of another type.
_KEYWORDS: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda v, types: any(
        _TYPES[each](v) for each in ([types] if isinstance(types, str) else types)
    ),
    "enum": lambda v, allowed: any(type(v) is type(each) and v == each for each in allowed),
    "required": lambda v, names: not isinstance(v, dict) or v.keys() >= set(names),
    "minItems": lambda v, least: not isinstance(v, list) or len(v) >= least,
    "maxItems": lambda v, most: not isinstance(v, list) or len(v) <= most,
    "minLength": lambda v, least: not isinstance(v, str) or len(v) >= least,
    "maxLength": lambda v, most: not isinstance(v, str) or len(v) <= most,
    "minimum": lambda v, least: not isinstance(v, _NUMBER) or v >= least,
    "maximum": lambda v, most: not isinstance(v, _NUMBER) or v <= most,
}
_SILENT = frozenset({"title", "description", "additionalProperties"})


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    return all(_satisfies(value, keyword, wanted) for keyword, wanted in schema.items())


def _satisfies(value: Any, keyword: str, wanted: Any) -> bool:
    if keyword == "properties":
        return not isinstance(value, dict) or all(
            fits(value[name], schema) for name, schema in wanted.items() if name in value
        )
    if keyword == "items":
        return not isinstance(value, list) or all(fits(item, wanted) for item in value)
    if keyword == "anyOf":
        return any(fits(value, schema) for schema in wanted)
    check = _KEYWORDS.get(keyword)
    return check(value, wanted) if check else keyword in _SILENT
