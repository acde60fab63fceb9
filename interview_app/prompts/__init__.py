"""Versioned prompts: text files that are never edited once used; a change is a new version.

Results store "<kind>/<version>", so that two scores can be told apart by the prompt behind them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Prompt:
    version: str
    system: str


CURRENT = {
    "question_generation": 3,
    "feedback_analysis": 1,
    "session_summary": 1,
    "follow_up_question": 1,
}


def current_prompt(kind: str) -> Prompt:
    return load_prompt(kind, CURRENT[kind])


@cache
def load_prompt(kind: str, number: int) -> Prompt:
    path = FOLDER / kind / f"v{number}.system.txt"
    return Prompt(version=f"{kind}/{number}", system=path.read_text("utf-8").strip())
