"""The operator's own provider codes: a JSON file of {"provider_code": "ERROR_CODE"}.

Named by OPERATIONS_ERROR_VOCABULARY, checked at start, used by the classifier in workers.
"""

from __future__ import annotations

import json
from pathlib import Path

from operations.errors import RULES


def read_vocabulary(path: Path) -> dict[str, str]:
    """{"provider_code": "ERROR_CODE"} of the file; raises OSError or ValueError, with a reason."""
    codes = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(codes, dict):
        raise ValueError("it holds no JSON object")
    for word, code in codes.items():
        if not isinstance(code, str) or code not in RULES:
            raise ValueError(f"{word!r} is mapped to {code!r}, which is no error code")
    return codes
