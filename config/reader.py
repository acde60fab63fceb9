"""Typed look-ups in the environment, and the words for what is wrong with a value."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

TRUE = ("true", "1", "yes", "on")
FALSE = ("false", "0", "no", "off")


class BadEnvironment(Exception):
    """One line for each variable that is missing or wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))


class Reader:
    """Typed look-ups that note a problem and go on with the default. Empty counts as unset."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._problems: list[str] = []

    def refuse(self, problem: str) -> None:
        self._problems.append(problem)

    def wrong(self, name: str, what: str, example: str) -> None:
        self.refuse(f"{name} {what}. Example: {name}={example}")

    def missing(self, name: str, how: str) -> None:
        self.refuse(
            f"{name} is not set, and outside development it has to be. {how} "
            "On your own machine DJANGO_DEBUG=true makes one for you."
        )

    def refuse_if_wrong(self) -> None:
        if self._problems:
            raise BadEnvironment(self._problems)

    def text(self, name: str, *, default: str = "", longest: int | None = None) -> str:
        value = self._variables.get(name, "").strip() or default
        if longest is not None and len(value) > longest:
            self.wrong(name, f"is longer than {longest} characters", default)
            return default
        return value

    def words(self, name: str, *, default: tuple[str, ...]) -> tuple[str, ...]:
        words = (word.strip() for word in self.text(name).split(","))
        return tuple(word for word in words if word) or default

    def choice(self, name: str, choices: Collection[str], *, default: str) -> str:
        value = self.text(name, default=default)
        for choice in choices:
            if value.lower() == choice.lower():
                return choice
        self.wrong(name, f"is none of {', '.join(choices)}", default)
        return default

    def boolean(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if value in TRUE:
            return True
        if value and value not in FALSE:
            self.wrong(name, "is neither true nor false", "true")
        return False if value else default

    def integer(self, name: str, *, default: int, least: int, most: int) -> int:
        value = self.text(name, default=str(default))
        # isdecimal() alone would take digits of other scripts, and int() takes 1_000 and +5.
        if value.isascii() and value.isdecimal() and least <= int(value[:20]) <= most:
            return int(value)
        self.wrong(name, f"is not a whole number from {least} to {most}", str(default))
        return default

    def number(
        self, name: str, *, default: float, above: float | None = None, least: float | None = None
    ) -> float:
        value = _finite(self.text(name, default=str(default)))
        limit = f"above {above:g}" if above is not None else f"of at least {least:g}"
        if (
            value is None
            or (above is not None and value <= above)
            or (least is not None and value < least)
        ):
            self.wrong(name, f"is not a number of seconds {limit}", f"{default:g}")
            return default
        return value


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def is_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        # .port raises for a port that is no number.
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
