"""`python -m bench.reading.corpora FOLDER…`: every file there, as an upload would be read.

Prints for the PDF and Word files of each folder, and for its other files, how many were read and
how many refused, by the name of the refusal. What a crash or a limit may be behind is listed, with
the exit status of its parser.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from interview_app.refusals import UnreadableFile, UnsupportedFileType
from interview_app.resume_kinds import kind_of
from interview_app.resume_limits import MAX_FILE_BYTES, TOO_COSTLY, UNREADABLE
from interview_app.resume_pool import PARSER, ParserPool

DOCUMENTS = (".pdf", ".docx")


def main() -> None:
    for folder in map(Path, sys.argv[1:]):
        ends: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
        stumbled = []
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            end = end_of(path)
            ends[path.suffix.lower() in DOCUMENTS][end] += 1
            if end in (TOO_COSTLY, UNREADABLE):
                stumbled.append(f"  {path.relative_to(folder)}: exit status {exit_status(path)}")
        for documents, counts in ends.items():
            what = "PDF and Word files" if documents else "other files"
            print(f"{folder.name}, {what}: {counts.total()}, {dict(counts.most_common())}")
        print(*stumbled, sep="\n", flush=True)


def end_of(path: Path) -> str:
    """`read`, or why not: by the product's own way from name and bytes to an answer."""
    data = path.read_bytes()
    if len(data) > MAX_FILE_BYTES:
        return "too large"
    if not data.strip():
        return "empty"
    try:
        kind = kind_of(path.name, data)
    except UnsupportedFileType:
        return "no kind that is read"
    except UnreadableFile:
        return "not what its name says"
    # Its own pool: nothing remembered. Patient, so that only the parser's own limits count.
    answer = ParserPool(whole_seconds=60).answer(kind.reader, data)
    return str(answer.get("refused", "read"))


def exit_status(path: Path) -> int:
    """Of the parser alone: 0 where it said itself that it cannot read the file."""
    data = path.read_bytes()
    command = [*PARSER, kind_of(path.name, data).reader]
    return subprocess.run(command, input=data, capture_output=True, check=False).returncode


if __name__ == "__main__":
    main()
