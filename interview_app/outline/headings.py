"""Which lines head a section of a résumé, and which section that is."""

from __future__ import annotations

import re
from collections.abc import Iterator

OTHER = "other"
HEADINGS = {
    "experience": """
        experience; work experience; professional experience; relevant experience; work;
        job experience; industry experience; employment; employment history; work history;
        career; career history; career summary; professional background;
        professional history; positions;
        internships; experience and internships; berufserfahrung; berufserfahrungen; beruf;
        berufliche erfahrung; berufliche erfahrungen; arbeitserfahrung; praxiserfahrung;
        berufspraxis; beruflicher werdegang; werdegang; berufliche stationen; berufslaufbahn;
        berufliche tätigkeiten; tätigkeiten; praktische erfahrung; praktische erfahrungen;
        praktika; erfahrung; erfahrungen; berufsweg
    """,
    "education": """
        education; education and training; academic background; academic history; qualifications;
        academic qualifications; studies; educational background; schooling; training;
        ausbildung; bildung; bildungsweg; bildungsgang; studium; schulbildung; schule;
        akademischer werdegang; akademische ausbildung; hochschulbildung; schulische ausbildung;
        studium und ausbildung; ausbildung und studium; schule und studium; aus und weiterbildung;
        schule und ausbildung; berufsausbildung; schul und berufsausbildung
    """,
    "skills": """
        skills; technical skills; key skills; core skills; professional skills; core competencies;
        competencies; technologies; technical expertise; expertise; tools; it skills;
        skills and tools; skills and technologies; areas of expertise; kenntnisse; fähigkeiten;
        fachkenntnisse; kompetenzen; it kenntnisse; edv kenntnisse; fertigkeiten;
        kenntnisse und fähigkeiten; fähigkeiten und kenntnisse; technische kenntnisse;
        technologien; besondere kenntnisse; edv
    """,
    "projects": """
        projects; personal projects; projects experience; project experience;
        selected projects; side projects; key projects;
        open source; open source projects; portfolio; projekte; eigene projekte; projekterfahrung;
        ausgewählte projekte; private projekte
    """,
    "volunteering": """
        volunteer; volunteering; volunteer experience; volunteer work; voluntary work;
        community; community service; ehrenamt; ehrenamtliches engagement; engagement;
        ehrenamtliche tätigkeit; ehrenamtliche tätigkeiten; soziales engagement; freiwilligenarbeit
    """,
    OTHER: """
        languages; language skills; interests; hobbies; hobbies and interests; references; awards;
        honors; honours; honors and awards; achievements; publications; certificates;
        certifications; licenses and certifications; courses; summary; profile; about; about me;
        professional summary; executive summary; objective; contact; contact details; contact me;
        personal details; personal information; links; memberships; patents; talks; conferences;
        sprachen; sprachkenntnisse; interessen; hobbys; freizeit; referenzen; auszeichnungen;
        preise; publikationen; veröffentlichungen; zertifikate; weiterbildung; weiterbildungen;
        fortbildungen; kurse; zusammenfassung; profil; über mich; kurzprofil; ziel; kontakt;
        kontaktdaten; persönliche daten; persönliches; mitgliedschaften; vorträge; lebenslauf;
        curriculum vitae; resume; patente; hobbys und interessen; interessen und hobbys
    """,
}
SECTION_OF = {
    name.strip(): section for section, names in HEADINGS.items() for name in names.split(";")
}
LONGEST_HEADING = 60
NO_LETTERS = re.compile(r"[\W\d_]+")
LABEL = re.compile(r"([^:\n]{3,40}):\s+(?=\S)")
FIRST_WORD = re.compile(r"([^\W\d_]{4,20}) (?=[^\W\d_a-zß-ü])")
# Headings at the margin stand in one line with what begins beside them; one alone may be a word.
AT_THE_MARGIN = 3
MOST_WORDS_BESIDE = 7
ADDRESS = re.compile(r"\(?(?:https?://|www\.)\S+")
EDGES = " \t,;|•·∙–—-()"


def section_of(line: str) -> str | None:
    """The section that this line heads, if it says nothing else."""
    if len(line) > LONGEST_HEADING:
        return None
    name = NO_LETTERS.sub(" ", line.replace("&", " and ")).strip().casefold()
    return SECTION_OF.get(name) or SECTION_OF.get(name.replace(" and ", " und "))


def sections(text: str) -> Iterator[tuple[str | None, list[str]]]:
    """Section (None: before the first heading) and its lines, without blank ones and addresses."""
    section: str | None = None
    lines: list[str] = []
    kept = [line for each in text.splitlines() if (line := ADDRESS.sub("", each).strip())]
    margin = _headings_at_the_margin(kept)
    capitals = sum(line.isupper() for line in kept if section_of(line)) >= AT_THE_MARGIN
    for line in kept:
        begun, rest = _heading_and_rest(line, margin, capitals=capitals)
        if begun:
            yield section, lines
            section, lines = begun, []
        if rest:
            lines.append(rest)
    yield section, lines


def _heading_and_rest(line: str, margin: set[str], *, capitals: bool) -> tuple[str | None, str]:
    if whole := section_of(line):
        # Where headings are in capitals, "Ausbildung" is a word of an entry.
        return (None, line) if capitals and not line.isupper() else (whole, "")
    label = LABEL.match(line)
    if label and (named := section_of(label.group(1))):
        return named, line[label.end() :]
    word = FIRST_WORD.match(line)
    if word and word.group(1) in margin and _is_beside(line):
        return section_of(word.group(1)), line[word.end() :]
    return None, line


def _headings_at_the_margin(lines: list[str]) -> set[str]:
    found = {
        word.group(1)
        for line in lines
        if (word := FIRST_WORD.match(line)) and section_of(word.group(1)) and _is_beside(line)
    }
    return found if len({section_of(word) for word in found}) >= AT_THE_MARGIN else set()


def _is_beside(line: str) -> bool:
    few = len(line.split()) <= MOST_WORDS_BESIDE
    return few and not line.endswith((".", "!")) and not section_of(line)
