"""Pages of our own making, for the shapes that no theme has: sidebars, labels, tables, columns."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

Resume = dict[str, Any]

FONT = "body{font:10pt/1.35 'Liberation Sans',sans-serif;margin:0}h1,h2,h3,p,ul{margin:0 0 4pt}"


def _dates(entry: Resume) -> str:
    return f"{entry['startDate'][:4]} – {entry.get('endDate', 'now')[:4]}"


def _bullets(entry: Resume) -> str:
    return "<ul>" + "".join(f"<li>{escape(each)}</li>" for each in entry["highlights"]) + "</ul>"


def _jobs(resume: Resume, job: Callable[[Resume], str]) -> str:
    return "".join(job(entry) for entry in resume["work"])


def _aside(resume: Resume) -> str:
    basics = resume["basics"]
    skills = "".join(
        f"<h3>{escape(each['name'])}</h3><p>{escape(', '.join(each['keywords']))}</p>"
        for each in resume["skills"]
    )
    languages = "".join(f"<li>{escape(each['language'])}</li>" for each in resume["languages"])
    return (
        f"<h2>Contact</h2><p>{basics['email']}</p><p>{basics['phone']}</p>"
        f"<h2>Skills</h2>{skills}<h2>Languages</h2><ul>{languages}</ul>"
    )


def _education(resume: Resume) -> str:
    return "".join(
        f"<p>{escape(each['area'])}, {escape(each['institution'])}, {each['startDate'][:4]}</p>"
        for each in resume["education"]
    )


def _head(resume: Resume) -> str:
    basics = resume["basics"]
    return f"<h1>{escape(basics['name'])}</h1><p>{escape(basics['label'])}</p>"


def _main(resume: Resume) -> str:
    jobs = _jobs(
        resume,
        lambda e: (
            f"<h3>{escape(e['position'])}, {escape(e['name'])}"
            f" <span class=d>{_dates(e)}</span></h3>"
            f"<p>{escape(e['summary'])}</p>{_bullets(e)}"
        ),
    )
    return (
        f"<p>{escape(resume['basics']['summary'])}</p><h2>Experience</h2>{jobs}"
        f"<h2>Education</h2>{_education(resume)}"
    )


def _page(css: str, body: str) -> str:
    return f"<!doctype html><meta charset=utf-8><style>{FONT}{css}</style><body>{body}"


def sidebar_left(resume: Resume) -> str:
    css = (
        "body{display:grid;grid-template-columns:30% 1fr;gap:14pt}h3{font-size:10pt}.d{float:right}"
    )
    return _page(css, f"<aside>{_aside(resume)}</aside><main>{_head(resume)}{_main(resume)}</main>")


def sidebar_right(resume: Resume) -> str:
    css = (
        "aside{float:right;width:28%;margin-left:16pt}main{margin-right:33%}h2{letter-spacing:.2em}"
    )
    return _page(css, f"{_head(resume)}<aside>{_aside(resume)}</aside><main>{_main(resume)}</main>")


def labels(resume: Resume) -> str:
    """Employer and dates at the left, what was done at the right."""
    css = ".j{display:grid;grid-template-columns:32% 1fr;gap:12pt;margin-bottom:9pt}"
    jobs = _jobs(
        resume,
        lambda e: (
            f"<div class=j><div><h3>{escape(e['name'])}</h3><p>{escape(e['position'])}</p>"
            f"<p>{_dates(e)}</p></div><div><p>{escape(e['summary'])}</p>{_bullets(e)}</div></div>"
        ),
    )
    return _page(css, f"{_head(resume)}<h2>Experience</h2>{jobs}<h2>Skills</h2>{_aside(resume)}")


def lifted(resume: Resume) -> str:
    """Headings in layers of their own, which a browser draws last; dates at the right margin."""
    css = "h3{position:relative;display:flex;justify-content:space-between}.d{opacity:.7}"
    return _page(css, _head(resume) + _main(resume) + _aside(resume))


def table(resume: Resume) -> str:
    css = "table{border-collapse:collapse;width:100%}td{vertical-align:top;padding:3pt 6pt}"
    jobs = _jobs(
        resume,
        lambda e: (
            f"<tr><td>{_dates(e)}</td><td><b>{escape(e['name'])}</b><br>{escape(e['position'])}</td>"
            f"<td>{escape(e['summary'])}{_bullets(e)}</td></tr>"
        ),
    )
    return _page(css, f"{_head(resume)}<table>{jobs}</table>{_aside(resume)}")


def newspaper(resume: Resume) -> str:
    css = "main{columns:2;column-gap:22pt;text-align:justify;hyphens:none}h3{break-after:avoid}"
    return _page(css, f"{_head(resume)}<main>{_main(resume)}{_aside(resume)}</main>")


LAYOUTS = (sidebar_left, sidebar_right, labels, lifted, table, newspaper)
