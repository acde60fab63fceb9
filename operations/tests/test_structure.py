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
ROOT = PACKAGE.parent
PRODUCT = [
    path
    for app in ("operations", "interview_app")
    for path in (ROOT / app).rglob("*.py")
    if not {"tests", "migrations"} & set(path.relative_to(ROOT).parts)
]
MOVERS = {"engine/outcomes.py", "engine/transitions.py"}


def writes_status(node: ast.AST) -> bool:
    """A `status=` given to an update(), an assignment to an attribute called status, or an
    many-row update of operations that sets something else than a few fields named there."""
    match node:
        case ast.Call(
            func=ast.Name(id="update_each" | "update_statements"),
            args=[ast.Name(id="Operation"), rows],
            keywords=keywords,
        ):
            same = next(keyword.value for keyword in keywords if keyword.arg == "same")
            return not isinstance(same, ast.Dict) or names_status(same) or names_status(rows)
        case ast.Call(func=ast.Attribute(attr="update"), keywords=keywords):
            return any(keyword.arg == "status" for keyword in keywords)
        case ast.Assign(targets=targets):
            return any(getattr(target, "attr", "") == "status" for target in targets)
    return False


def names_status(values: ast.AST) -> bool:
    return any(getattr(node, "value", "") == "status" for node in ast.walk(values))


def names_a_door(node: ast.AST) -> bool:
    """A text given to something called door: as an argument, as a default, as a field's."""
    match node:
        case ast.keyword(arg="door", value=value):
            return is_text(value)
        case ast.AnnAssign(target=ast.Name(id="door"), value=value):
            return is_text(value)
        case ast.arguments(args=args, kwonlyargs=named, defaults=defaults, kw_defaults=for_named):
            given = [*zip(reversed(args), reversed(defaults)), *zip(named, for_named)]  # noqa: B905
            return any(arg.arg == "door" and is_text(value) for arg, value in given)
    return False


def is_text(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and bool(node.value)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_state_machine_writes_a_status(path: Path) -> None:
    name = str(path.relative_to(PACKAGE))
    tree = ast.parse(path.read_text())

    assert any(map(writes_status, ast.walk(tree))) == (name in MOVERS)


def test_tasks_are_plain_functions() -> None:
    functions = [value for _, value in inspect.getmembers(tasks, inspect.isfunction)]

    assert functions
    assert not [f.__name__ for f in functions if inspect.iscoroutinefunction(f)]


def test_doors_are_named_by_the_model_alone() -> None:
    named = [
        str(path.relative_to(ROOT))
        for path in PRODUCT
        if any(map(names_a_door, ast.walk(ast.parse(path.read_text()))))
    ]

    assert named == []


@pytest.mark.parametrize(
    "line",
    ['retry(door="page")', 'def retry(*, door="page"): ...', 'class E:\n  door: str = "page"'],
)
def test_door_named_by_hand_is_seen(line: str) -> None:
    assert any(map(names_a_door, ast.walk(ast.parse(line))))


def test_only_exports_stream() -> None:
    """What fails in the middle of a stream looks whole unless its last line says otherwise."""
    streaming = [path for path in MODULES if "StreamingHttpResponse(" in path.read_text()]

    assert streaming == [PACKAGE / "admin" / "export.py"]
