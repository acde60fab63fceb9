"""Reads the blocks of a prompt back out of a chat completions request body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interview_app.blocks import block_fields, block_text


@dataclass(frozen=True)
class SimulatedRequest:
    user_message: str
    schema: Mapping[str, Any]

    @property
    def settings(self) -> dict[str, str]:
        return block_fields("interview", self.user_message)

    @property
    def language(self) -> str:
        """One that the simulation has sentences in."""
        return "de" if self.settings.get("language") == "de" else "en"

    def block(self, tag: str) -> str:
        return block_text(tag, self.user_message)


def read_request(body: Mapping[str, Any]) -> SimulatedRequest:
    said = [each["content"] for each in body["messages"] if each["role"] == "user"]
    return SimulatedRequest(
        user_message=said[-1], schema=body["response_format"]["json_schema"]["schema"]
    )
