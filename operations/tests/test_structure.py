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


def writes_status(node: ast.AST) -> bool:
    """A `status=` given to an update(), an assignment to an attribute called status, or an
    `update_each` of operations."""
    match node:
        case ast.Call(func=ast.Name(id="update_each"), args=[ast.Name(id="Operation"), *_]):
            return True
        case ast.Call(func=ast.Attribute(attr="update"), keywords=keywords):
            return any(keyword.arg == "status" for keyword in keywords)
        case ast.Assign(targets=targets):
            return any(getattr(target, "attr", "") == "status" for target in targets)
    return False


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_state_machine_writes_a_status(path: Path) -> None:
    name = str(path.relative_to(PACKAGE))
    tree = ast.parse(path.read_text())

    assert any(map(writes_status, ast.walk(tree))) == (name in MOVERS)


def test_tasks_are_plain_functions() -> None:
    functions = [value for _, value in inspect.getmembers(tasks, inspect.isfunction)]

    assert functions
    assert not [f.__name__ for f in functions if inspect.iscoroutinefunction(f)]
