"""Reads the text of a file in a process of its own.

`python -m interview_app.resume_parser` gets the kind of file as argument and the file on stdin;
prints one JSON object, `{"text", "warnings", "entries"}` or `{"refused"}`. Whatever a hostile or
broken file does (loops, eats memory, crashes the library) ends with this process, and its exit
status says so.
Imports nothing of Django, so that it starts fast.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import resource
import sys
import warnings

from interview_app.reading.gate import passed
from interview_app.reading.reading import Reading, Refused
from interview_app.resume_limits import (
    CPU_SECONDS,
    MEMORY_BYTES,
    NICENESS,
)

READERS = ("docx", "europass", "html", "json_resume", "md", "odt", "pdf", "rtf", "txt")


def main() -> None:
    limit_resources()
    try:
        reading = read_file(sys.argv[1], sys.stdin.buffer.read())
        answer = {"text": reading.text, "warnings": reading.warnings, "entries": reading.entries}
    except Refused as refusal:
        answer = {"refused": str(refusal)}
    sys.stdout.write(json.dumps(answer))


def limit_resources() -> None:
    os.nice(NICENESS)  # behind the pages
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "darwin":  # macOS refuses to limit the address space
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    # The libraries complain about odd files on stderr, with words from them.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


def read_file(kind: str, data: bytes) -> Reading:
    if kind not in READERS:
        raise ValueError(kind)
    # Only the reader of this kind: the libraries take longer to load than most files to read.
    reading: Reading = importlib.import_module(f"interview_app.reading.{kind}").read(data)
    return passed(reading)


if __name__ == "__main__":
    main()
