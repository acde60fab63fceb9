"""A résumé as people write it in LaTeX with what every installation has."""

from __future__ import annotations

from typing import Any

SPECIAL = str.maketrans({"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_"})


def document(resume: dict[str, Any], engine: str) -> str:
    fonts = (
        r"\usepackage{fontspec}\setmainfont{Lato}"
        if engine == "lualatex"
        else r"\usepackage[T1]{fontenc}\usepackage{lmodern}"
    )
    basics = {key: _plain(resume["basics"][key]) for key in ("name", "label", "email", "summary")}
    jobs = "".join(
        rf"\noindent\textbf{{{_plain(job['name'])}}}\hfill {job['startDate'][:4]}\,--\,"
        rf"{job.get('endDate', 'now')[:4]}\par\noindent\textit{{{_plain(job['position'])}}}\par"
        "\n"
        r"\begin{itemize}"
        + "".join(rf"\item {_plain(each)}" + "\n" for each in job["highlights"])
        + "\\end{itemize}\n"
        for job in resume["work"]
    )
    skills = r"\\".join(
        rf"{_plain(each['name'])} & {_plain(', '.join(each['keywords']))}"
        for each in resume["skills"]
    )
    return rf"""\documentclass[10pt]{{article}}
\usepackage[a4paper,margin=32mm]{{geometry}}
{fonts}
\begin{{document}}
\begin{{center}}{{\LARGE {basics["name"]}}}\\ {basics["label"]}\\ {basics["email"]}\end{{center}}
{basics["summary"]}
\section*{{Experience}}
{jobs}
\section*{{Skills}}
\begin{{tabular}}{{ll}}
{skills}
\end{{tabular}}
\end{{document}}
"""


def _plain(text: str) -> str:
    return text.translate(SPECIAL)
