"""Rules about the code itself that no import contract can state."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import operations
from operations import tasks

PACKAGE = Path(operations.__file__).parent
MODULES = [
    path
    for path in PACKAGE.rglob("*.py")
    # In openai_service a status is HTTP's; it knows no rows.
    if not {"tests", "migrations", "openai_service"} & set(path.relative_to(PACKAGE).parts)
]
MOVERS = {"engine/transitions.py"}


def writes_status(tree: ast.AST) -> bool:
    """A `status=` given to an update(), or an assignment to an attribute called status."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "update":
            if any(keyword.arg == "status" for keyword in node.keywords):
                return True
        if isinstance(node, ast.Assign):
            if any(getattr(target, "attr", "") == "status" for target in node.targets):
                return True
    return False


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_state_machine_writes_a_status(path: Path) -> None:
    name = str(path.relative_to(PACKAGE))

    assert writes_status(ast.parse(path.read_text())) == (name in MOVERS)


def test_tasks_are_plain_functions() -> None:
    functions = [value for _, value in inspect.getmembers(tasks, inspect.isfunction)]

    assert functions
    assert not [f.__name__ for f in functions if inspect.iscoroutinefunction(f)]
