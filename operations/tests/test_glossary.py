"""docs/glossary.md has a word for whatever the engine and the workers name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("operations/engine", "operations/workers")
TREES = {
    path: ast.parse(path.read_text()) for each in PACKAGES for path in (ROOT / each).glob("*.py")
}
ROWS = re.findall(
    r"^\| ([a-z -]+) \| (`.*?`) \| (\S.*\.) \|$",
    (ROOT / "docs/glossary.md").read_text("utf-8"),
    re.MULTILINE,
)
WORDS = {word for term, _, _ in ROWS for word in re.split("[ -]", term)}
NAMED = {name for _, names, _ in ROWS for name in re.findall(r"`(\w+)`", names)}
ENDINGS = ("", "s", "d", "ed", "ing")


def words_of(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+", name)]


def is_explained(word: str) -> bool:
    return any(word == term + ending for term in WORDS for ending in ENDINGS)


def lacks(name: str) -> bool:
    """Neither does an entry name it, nor has each of its words one."""
    return name not in NAMED and not all(map(is_explained, words_of(name)))


def public(kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> Iterator[str]:
    for tree in TREES.values():
        for node in tree.body:
            if isinstance(node, kind) and not (name := getattr(node, "name", "_")).startswith("_"):
                yield name


def test_each_row_of_the_table_is_read() -> None:
    page = (ROOT / "docs/glossary.md").read_text("utf-8")

    assert len(ROWS) == len(re.findall(r"^\| ", page, re.MULTILINE)) - 2
    assert [term for term, _, _ in ROWS] == sorted(term for term, _, _ in ROWS)


def test_every_class_has_its_word() -> None:
    assert [name for name in public(ast.ClassDef) if lacks(name)] == []


def test_every_public_function_speaks_of_something_explained() -> None:
    functions = public((ast.FunctionDef, ast.AsyncFunctionDef))

    unknown = [
        name
        for name in functions
        if name not in NAMED and not any(map(is_explained, words_of(name)))
    ]
    assert unknown == []


def test_every_name_on_the_page_is_one_of_the_code() -> None:
    known: set[str] = set()
    for path, tree in TREES.items():
        known.add(path.stem)
        for node in ast.walk(tree):
            known |= {
                getattr(node, field)
                for field in ("id", "attr", "name", "arg")
                if isinstance(getattr(node, field, None), str)
            }

    assert NAMED - known == set()


@pytest.mark.parametrize("name", ["Quorum", "DrainQuorum", "LeaseBroker"])
def test_class_of_a_word_without_an_entry_is_seen(name: str) -> None:
    assert lacks(name)
