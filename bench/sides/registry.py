"""Side by name. Imported only in the process of a run: each class brings its library with it."""

from __future__ import annotations

from importlib import import_module

from bench.options import Run
from bench.sides import NAMES, Side


def side_of(run: Run) -> Side:
    assert run.side in NAMES
    made: Side = import_module(f"bench.sides.{run.side}").make(run)
    return made
