"""RESUME.json OUT.pdf THEME: through rendercv's own command, from its own format.

Its icons come from a package that Typst would fetch from the net: one without icons stands for it.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

resume = json.loads(Path(sys.argv[1]).read_text("utf-8"))
basics = resume["basics"]


def span(entry: dict[str, str]) -> dict[str, str]:
    return {
        "start_date": entry["startDate"][:7],
        "end_date": entry.get("endDate", "present")[:7],
    }


cv = {
    "name": basics["name"],
    "headline": basics["label"],
    "email": basics["email"],
    "sections": {
        "summary": [basics["summary"]],
        "experience": [
            {
                "company": job["name"],
                "position": job["position"],
                "summary": job["summary"],
                "highlights": job["highlights"],
                **span(job),
            }
            for job in resume["work"]
        ],
        "education": [
            {"institution": each["institution"], "area": each["area"], **span(each)}
            for each in resume["education"]
        ],
        "skills": [
            {"label": each["name"], "details": ", ".join(each["keywords"])}
            for each in resume["skills"]
        ],
        "projects": [
            {"name": each["name"], "highlights": each["highlights"], **span(each)}
            for each in resume["projects"]
        ],
    },
}
with tempfile.TemporaryDirectory() as folder:
    source = Path(folder, "cv.yaml")
    source.write_text(yaml.safe_dump({"cv": cv, "design": {"theme": sys.argv[3]}}), "utf-8")
    icons = Path(folder, "typst/packages/preview/fontawesome/0.5.0")
    icons.mkdir(parents=True)
    about = '[package]\nname = "fontawesome"\nversion = "0.5.0"\nentrypoint = "lib.typ"\n'
    (icons / "typst.toml").write_text(about)
    (icons / "lib.typ").write_text("#let fa-icon(..all) = []\n")
    command = [str(Path(sys.executable).with_name("rendercv")), "render", str(source)]
    command += ["--pdf-path", sys.argv[2], "-nomd", "-nohtml", "-nopng"]
    subprocess.run(command, check=True, cwd=folder, env={**os.environ, "XDG_CACHE_HOME": folder})
