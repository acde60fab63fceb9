"""A Dockerfile as its instructions, for tests that hold it to the code or do what it says."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Instruction:
    name: str
    rest: str

    @property
    def words(self) -> list[str]:
        """Of the form in brackets, or of a shell's."""
        found = re.search(r"\[.*\]", self.rest)
        return json.loads(found.group()) if found else shlex.split(self.rest)


def stages(path: Path) -> list[list[Instruction]]:
    """The instructions of each FROM, without comments, a continued line as one."""
    text = re.sub(r"^#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found: list[list[Instruction]] = []
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        name, _, rest = line.partition(" ")
        if name == "FROM":
            found.append([])
        found[-1].append(Instruction(name, rest.strip()))
    return found
