"""Makes the files: each by a public tool as its users would, from one résumé in JSON."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

from bench.reading.facts import Facts, facts_of
from bench.reading.latex import document
from bench.reading.layouts import LAYOUTS

HERE = Path(__file__).resolve().parent
THEMES = ("even", "elegant", "flat", "kendall", "macchiato", "stackoverflow")
RENDERCV_THEMES = ("classic", "sb2nov", "moderncv", "engineeringresumes")
# The sections that each script writes beside the head and the jobs; "-summary": no job's summary.
WRITTEN = {
    "with_rendercv.py": "-label education skills projects",
    "with_reportlab.py": "skills",
    "with_fpdf2.py": "-summary",
    "with_python_docx.py": "skills education",
}
Resume = dict[str, Any]


class Workshop:
    """`environment` holds `venv/` and `node_modules/`; files go to `folder`."""

    def __init__(self, environment: Path, folder: Path) -> None:
        self.environment = environment
        self.folder = folder
        self.failed: list[str] = []

    def make(self, source: Path) -> Iterator[tuple[Path, str, Facts]]:
        """Files of one résumé: path, tool, and the facts that it shows."""
        resume = json.loads(source.read_text("utf-8"))
        facts = facts_of(resume)
        for tool, name, maker in self._makers(source, resume):
            out = self.folder / f"{source.stem}-{name}"
            try:
                shown = self._kept(source, out) or self._made(maker, out)
            except (subprocess.SubprocessError, OSError) as error:
                self.failed.append(f"{out.name}: {error}")
                continue
            yield out, tool, facts.shown_in(shown) if shown else facts

    def _kept(self, source: Path, out: Path) -> str:
        """What a run before this one has made of the same résumé shows; empty where it did not."""
        shown = _shown(out)
        if not shown.exists() or shown.stat().st_mtime < source.stat().st_mtime:
            return ""
        return shown.read_text("utf-8")

    def _made(self, maker: Callable[[Path], str], out: Path) -> str:
        shown = maker(out)
        _shown(out).write_text(shown, "utf-8")
        return shown

    def _makers(
        self, source: Path, resume: Resume
    ) -> Iterator[tuple[str, str, Callable[[Path], str]]]:
        for theme in THEMES:
            html = functools.partial(self._theme, source, theme)
            for tagged in (False, True):
                name = f"{theme}{'-tagged' if tagged else ''}.pdf"
                tool = f"JSON Resume {theme}, Chromium{', tagged' if tagged else ''}"
                yield tool, name, functools.partial(self._print, html, tagged)
        for layout in LAYOUTS:
            label = layout.__name__.replace("_", "-")
            html = functools.partial(layout, resume)
            yield f"Chromium, {label}", f"{label}.pdf", functools.partial(self._print, html, False)
            yield f"WeasyPrint, {label}", f"{label}-weasy.pdf", functools.partial(self._weasy, html)
        for theme in RENDERCV_THEMES:
            yield (
                f"rendercv {theme} (Typst)",
                f"rendercv-{theme}.pdf",
                functools.partial(self._python, "with_rendercv.py", source, theme),
            )
        for script in ("with_reportlab.py", "with_fpdf2.py"):
            tool = script[5:-3]
            yield tool, f"{tool}.pdf", functools.partial(self._python, script, source, "")
        for engine in ("pdflatex", "lualatex"):
            yield engine, f"{engine}.pdf", functools.partial(self._latex, engine, resume)
        yield "docx (npm)", "npm.docx", functools.partial(self._npm_docx, source)
        yield (
            "python-docx",
            "python-docx.docx",
            functools.partial(self._python, "with_python_docx.py", source, ""),
        )
        for ending in ("docx", "odt", "rtf", "pdf"):
            layout = LAYOUTS[len(ending) % 2 + 3]  # what LibreOffice can lay out: lines and tables
            html = functools.partial(layout, resume)
            yield (
                f"LibreOffice, {ending}",
                f"libreoffice.{ending}",
                functools.partial(self._office, html, ending),
            )
        for ending in ("docx", "odt", "rtf"):
            html = functools.partial(LAYOUTS[3], resume)
            yield f"pandoc, {ending}", f"pandoc.{ending}", functools.partial(self._pandoc, html)

    def _theme(self, source: Path, theme: str) -> str:
        out = self.folder / f"{source.stem}-{theme}.html"
        if not out.exists():
            self._run("node", HERE / "node" / "theme.mjs", theme, source, out)
        return out.read_text("utf-8")

    def _print(self, html: Callable[[], str], tagged: bool, out: Path) -> str:
        page = self._page(html, out)
        self._run(self._venv("python"), HERE / "tools" / "with_chromium.py", page, out, str(tagged))
        return page.with_suffix(".txt").read_text("utf-8")

    def _weasy(self, html: Callable[[], str], out: Path) -> str:
        self._run(self._venv("weasyprint"), self._page(html, out), out)
        return _words_of(html())

    def _office(self, html: Callable[[], str], ending: str, out: Path) -> str:
        page = self._page(html, out)
        kinds = {"pdf": "pdf:writer_web_pdf_Export", "docx": "docx:MS Word 2007 XML", "odt": "odt"}
        if ending != "odt":
            odt = out.with_suffix(".odt")
            self._soffice(page, "odt", odt)
            self._soffice(odt, {"pdf": "pdf"}.get(ending, kinds.get(ending, ending)), out)
        else:
            self._soffice(page, "odt", out)
        return _words_of(html())

    def _soffice(self, source: Path, kind: str, out: Path) -> None:
        profile = f"-env:UserInstallation=file://{self.folder / 'office'}"
        infilter = ["--infilter=HTML (StarWriter)"] if source.suffix == ".html" else []
        self._run(
            "soffice",
            profile,
            "--headless",
            *infilter,
            "--convert-to",
            kind,
            "--outdir",
            self.folder / "converted",
            source,
        )
        shutil.move(self.folder / "converted" / f"{source.stem}{out.suffix}", out)

    def _pandoc(self, html: Callable[[], str], out: Path) -> str:
        self._run("pandoc", "--standalone", self._page(html, out), "-o", out)
        return _words_of(html())

    def _npm_docx(self, source: Path, out: Path) -> str:
        self._run("node", HERE / "node" / "docx.cjs", source, out)
        return _written(json.loads(source.read_text("utf-8")), "skills languages education")

    def _python(self, script: str, source: Path, option: str, out: Path) -> str:
        self._run(self._venv("python"), HERE / "tools" / script, source, out, option)
        return _written(json.loads(source.read_text("utf-8")), WRITTEN[script])

    def _latex(self, engine: str, resume: Resume, out: Path) -> str:
        source = out.with_suffix(".tex")
        source.write_text(document(resume, engine), "utf-8")
        self._run(engine, "-interaction=batchmode", f"-output-directory={out.parent}", source)
        return _written(resume, "skills -summary")

    def _page(self, html: Callable[[], str], out: Path) -> Path:
        page = out.with_name(out.name.replace(".", "-") + ".html")
        page.write_text(html(), "utf-8")
        return page

    def _venv(self, program: str) -> Path:
        return self.environment / "venv" / "bin" / program

    def _run(self, *command: object) -> None:
        subprocess.run(
            [str(each) for each in command],
            check=True,
            capture_output=True,
            timeout=1200,  # LuaTeX looks through all fonts the first time
            cwd=self.folder,
            env={
                **os.environ,
                "NODE_HOME": str(self.environment),
                "NODE_PATH": str(self.environment / "node_modules"),
            },
        )


def _shown(out: Path) -> Path:
    return out.with_name(f"{out.name}.shown")


def _words_of(html: str) -> str:
    return unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", html))


def _written(resume: Resume, sections: str) -> str:
    """All that a script writes of the résumé, in any order."""
    names = sections.split()
    basics = [
        resume["basics"][key]
        for key in ("name", "label", "email", "summary")
        if f"-{key}" not in names or key == "summary"
    ]
    entries = [entry for name in names if name in resume for entry in resume[name]]
    jobs = [
        {key: value for key, value in job.items() if key != "summary" or "-summary" not in names}
        for job in resume["work"]
    ]
    kept = [
        {
            key: value
            for key, value in each.items()
            if key not in ("description", "summary", "courses")
        }
        for each in entries
    ]
    return "\n".join([*basics, *_strings([*jobs, *kept])])


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
