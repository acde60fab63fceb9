"""Runs one reader on one file and measures it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READERS_FILE = Path(__file__).with_name("readers.py")
# The product before this work: its reader is the measure of time and memory.
BEFORE = "dfad416"
PDF_READERS = (
    "ours", "before", "pypdf", "pypdf_layout", "pdfminer", "pdfplumber", "pypdfium2", "pymupdf",
    "pdftotext", "pdftotext_layout", "markitdown",
)  # fmt: skip
READERS = {
    ".pdf": PDF_READERS,
    ".docx": ("ours", "before", "python_docx", "docx2txt", "mammoth", "markitdown", "pandoc"),
    ".odt": ("ours", "pandoc"),
    ".rtf": ("ours", "striprtf", "pandoc"),
}


@dataclass
class Run:
    text: str
    seconds: float
    """Of processor time: the machine may be busy with other things."""
    megabytes: float
    failed: bool


def run(reader: str, path: Path, environment: Path, before: Path) -> Run:
    command = _command(reader, path, environment)
    data = path.read_bytes()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        source = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=errors,
            cwd=before if reader == "before" else ROOT,
            env={**os.environ, "PYTHONUTF8": "1", "PYTHONPATH": ""},
        )
        assert source.stdin
        try:
            source.stdin.write(data)
            source.stdin.close()
        except BrokenPipeError:
            pass
        _pid, status, used = os.wait4(source.pid, 0)
        source.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    failed = source.returncode != 0
    if reader in ("ours", "before") and not failed:
        text = json.loads(text).get("text", "")
    return Run(text, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, failed)


def _command(reader: str, path: Path, environment: Path) -> list[str]:
    if reader in ("ours", "before"):
        kind = path.suffix.removeprefix(".")
        return [sys.executable, "-m", "interview_app.resume_parser", kind]
    if reader.startswith("pdftotext"):
        return ["pdftotext", *(["-layout"] if "layout" in reader else []), str(path), "-"]
    if reader == "pandoc":
        return ["pandoc", "--to", "plain", "--wrap", "none", str(path)]
    python = environment / "venv" / "bin" / "python"
    return [str(python), str(READERS_FILE), reader, str(path)]


def extract_before(folder: Path) -> Path:
    """The earlier reader, out of the repository's history."""
    package = folder / "interview_app"
    package.mkdir(parents=True, exist_ok=True)
    for name in ("__init__", "resume_limits", "resume_parser"):
        shown = subprocess.run(
            ["git", "show", f"{BEFORE}:interview_app/{name}.py"],
            cwd=ROOT, capture_output=True, check=True,
        )  # fmt: skip
        (package / f"{name}.py").write_bytes(shown.stdout)
    return folder
