"""Ten roles with a posting each, for who has none at hand. The companies are invented."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("roles.json")


@dataclass(frozen=True)
class Role:
    key: str
    title: str
    description: str
    seniority: str


@cache
def ready_roles(language: str) -> dict[str, Role]:
    """By key, in the file's order; `language`: en or de."""
    rows = json.loads(FILE.read_text("utf-8"))
    return {
        row["key"]: Role(row["key"], **row[language], seniority=row["seniority"]) for row in rows
    }
