"""`python -m bench.reading.corpora FOLDER…`: all PDF and Word files there, through the real parser.

Prints how many were read and how many refused, by the name of the refusal; `unreadable`, which a
crash or a limit gives as well, is listed file by file.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from interview_app.resume_pool import ParserPool

ENDINGS = (".pdf", ".docx")


def main() -> None:
    unknown = []
    for folder in map(Path, sys.argv[1:]):
        counts: Counter[str] = Counter()
        files = sorted(
            path for path in folder.rglob("*") if path.suffix.lower() in (".pdf", ".docx")
        )
        for path in files:
            # Its own pool: nothing remembered. Patient, so that only the parser's own limits count.
            pool = ParserPool(whole_seconds=60)
            kind = path.suffix.lower().removeprefix(".")
            answer = pool.answer(kind, path.read_bytes())
            counts[answer.get("refused", "read")] += 1
            if answer.get("refused") == "unreadable":
                unknown.append(path)
        print(folder.name, len(files), dict(counts.most_common()), flush=True)
    for path in unknown:
        print("unreadable:", path)


if __name__ == "__main__":
    main()
