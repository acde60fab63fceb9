"""Every pattern of the code base takes time in proportion to its text, whatever the text is.

One request may carry kilobytes that a stranger chose. The hostile strings are made from a pattern's
own pieces: its literals and one character of each of its classes, alone and in pairs, repeated, and
ended by something that no piece goes on with.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import re
import time
from collections.abc import Iterator, Mapping
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operations.tests.examples import examples

pytestmark = pytest.mark.slow

PACKAGES = ("config", "operations", "interview_app")
SMALL, LARGE = 3_000, 6_000
CHEAP_SECONDS = 0.02
"""Of LARGE characters: a text that is done in this time hurts nobody, and is too short to time."""
LONG_SECONDS = 0.2
"""What took this long is timed well enough, and not once more."""
GROWTH = 1.3 * LARGE / SMALL
TRIES = 4
ENDS = ("\x00", "!")


BOUNDED_BY_CALLER = {
    "operations.masking._FRAME[0]": "reads a line from its start alone",
}


def modules() -> Iterator[Any]:
    for package in PACKAGES:
        root = importlib.import_module(package)
        for found in pkgutil.walk_packages(root.__path__, f"{package}."):
            if ".tests" not in found.name and ".migrations" not in found.name:
                yield importlib.import_module(found.name)


def patterns_in(value: object) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, Mapping):
        yield from patterns_in([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from patterns_in(each)


def all_patterns() -> dict[str, re.Pattern[str]]:
    return {
        f"{module.__name__}.{name}[{number}]": pattern
        for module in modules()
        for name, value in vars(module).items()
        for number, pattern in enumerate(patterns_in(value))
        if f"{module.__name__}.{name}[{number}]" not in BOUNDED_BY_CALLER
    }


PATTERNS = all_patterns()


def pieces(pattern: re.Pattern[str]) -> list[str]:
    """Runs of literals and one character of each class, in the order of the pattern."""
    found: list[str] = []
    run = ""
    for text, is_literal in _atoms(parser.parse(pattern.pattern, pattern.flags)):
        if is_literal:
            run += text
            continue
        found += [run, text]
        run = ""
    return [piece for piece in [*found, run] if piece]


def _atoms(tree: Any) -> Iterator[tuple[str, bool]]:
    for operation, argument in tree:
        if operation is ops.LITERAL:
            yield chr(argument), True
        elif operation is ops.IN:
            yield _member(argument), False
        elif operation is ops.BRANCH:
            for branch in argument[1]:
                yield from _atoms(branch)
                yield "", False
        elif operation in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            yield from _atoms(argument[2])
        elif operation is ops.SUBPATTERN:
            yield from _atoms(argument[3])
        elif operation is ops.ATOMIC_GROUP:
            yield from _atoms(argument)
        elif operation in (ops.ASSERT, ops.ASSERT_NOT):
            yield from _atoms(argument[1])
        elif operation is ops.ANY:
            yield "a", False


def _member(items: Any) -> str:
    # Letters first: they are in most classes, and runs of them are what people write.
    candidates = "a0_-. :/@\"'\t|" + "".join(
        chr(value) if kind is ops.LITERAL else chr(value[0])
        for kind, value in items
        if kind in (ops.LITERAL, ops.RANGE)
    )
    one = re.compile(f"[{''.join(map(re.escape, candidates))}]")
    node = parser.SubPattern(parser.State(), [(ops.IN, items)])
    compiled = re._compiler.compile(node)  # type: ignore[attr-defined]
    return next((c for c in candidates if one.match(c) and compiled.match(c)), "a")


def hostile_texts(pattern: re.Pattern[str], length: int) -> Iterator[str]:
    """Each piece once, followed by what comes after it in the pattern, many times."""
    found = pieces(pattern)
    shapes = {
        (start, unit)
        for place, piece in enumerate(found)
        for near in [found[place : place + 4]]
        for start in ("", piece)
        for unit in [*near, *("".join(pair) for pair in itertools.permutations(near, 2))]
    }
    for (start, unit), end in itertools.product(sorted(shapes), ENDS):
        yield start + (unit * (length // len(unit) + 1))[:length] + end


def seconds(pattern: re.Pattern[str], text: str, *, best_of: int = 1) -> float:
    """Of the processor, for a search from every place, as `sub` and `finditer` do it."""
    times: list[float] = []
    while len(times) < best_of and sum(times) < LONG_SECONDS:
        began = time.thread_time()
        for _match in pattern.finditer(text):
            pass
        times.append(time.thread_time() - began)
    return min(times)


def is_linear(pattern: re.Pattern[str], small: str, large: str) -> bool:
    if seconds(pattern, large) < CHEAP_SECONDS:
        return True
    # A busy neighbour slows the caches too for a while; what is quadratic is so every time.
    return any(
        seconds(pattern, large, best_of=5) <= GROWTH * seconds(pattern, small, best_of=5)
        for _ in range(TRIES)
    )


def offenders(pattern: re.Pattern[str]) -> Iterator[str]:
    texts = zip(hostile_texts(pattern, SMALL), hostile_texts(pattern, LARGE), strict=True)
    for small, large in texts:
        if not is_linear(pattern, small, large):
            yield small[:60]


@pytest.mark.parametrize("name", PATTERNS)
def test_pattern_is_linear_on_texts_made_of_its_own_pieces(name: str) -> None:
    assert next(offenders(PATTERNS[name]), None) is None


@given(
    unit=st.text(alphabet="a0 :/@.-_='\"|\n\\", min_size=1, max_size=6), end=st.sampled_from(ENDS)
)
@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_pattern_is_linear_on_any_repeated_text(unit: str, end: str) -> None:
    small, large = (unit * (n // len(unit)) + end for n in (SMALL, LARGE))

    slow = [name for name, each in PATTERNS.items() if not is_linear(each, small, large)]

    assert slow == []


@pytest.mark.parametrize("toy", [r"\w+\s*:", r"://[^/@]+:[^/@]*(?=@)"])
def test_a_quadratic_pattern_is_caught(toy: str) -> None:
    assert next(offenders(re.compile(toy)), None) is not None


def test_the_mask_is_among_the_patterns() -> None:
    assert "operations.masking._PATTERN[0]" in PATTERNS
    assert len(PATTERNS) > 10
