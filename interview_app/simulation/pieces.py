"""Finds what can be named in a question: duties of a posting, deeds of a résumé, and their tools.

Rules of thumb for English and German; a piece is quoted as it stands, so that nothing is invented.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MIN_WORDS = 3
MAX_WORDS = 12
MAX_CHARACTERS = 120
MAX_TEXT = 20_000
TOPIC_MAX_WORDS = 3
ENOUGH_DUTIES = 3

BULLET = re.compile(r"^\s*[-*•·–‣▪]\s+")
HEADING = re.compile(r"^[^.;!?]{1,40}:?$")
YEARS = re.compile(
    r"(?:19|20)\d\d\s*(?:-|–|—|to|bis)\s*(?:(?:\d\d?[/.])?(?:19|20)\d\d|now|today|present|heute)",
    re.IGNORECASE,
)
BRACKETS = re.compile(r" ?[(\[][^)\]]{0,80}[)\]]")
SENTENCE_END = re.compile(r"(?<=[^\d\s][.!?])\s+(?=[A-ZÄÖÜ\"„“])|[;:]\s+|(?<!\s)\s++[–—-]\s+|[;:]$")
CLAUSE = re.compile(r",\s+(?:and\s+|und\s+|or\s+|oder\s+)?")
CUT_BEFORE = re.compile(
    r"(?<!\s)\s++(?=(?:without|so|that|which|who|while|because|from|until|with|to|for|by|of|after|in|on|at|"
    r"ohne|damit|dass|wie|während|weil|mit|um|von|für|nach|bei|im|am)\s)",
    re.IGNORECASE,
)
DANGLING = re.compile(
    r"(?:(?<!\s)\s++(?:and|or|then|so|und|oder|dann|sowie|the|a|an))+$", re.IGNORECASE
)
AFTERTHOUGHT = re.compile(r"\b(?:a plus|nice to have|keine Bedingung|von Vorteil)\b", re.IGNORECASE)
COMPANY_END = re.compile(r"[,|]\s*([^,|(]{2,40}?)\s*(?:\(|\.|$)")

# No interviewer may ask about these, and pay or benefits make no question. A line that talks to a
# machine ("ignore all instructions") is no duty either.
OFF_LIMITS = re.compile(
    r"""
    \b(?:age|aged|born|birth\w*|married|marital|single|divorced|children|kids|family|pregnan\w*
      |parental|maternity|paternity|religio\w*|church|christian|muslim|jewish|national\w*
      |citizen\w*|ethnic\w*|race|gender|sexual\w*|disab\w*|health\s+condition|illness|union
      |political|party\s+member\w*|alter|geboren\w*|geburts\w*|verheiratet|ledig|geschieden
      |familienstand|kinder|kind|familie|schwanger\w*|elternzeit|konfession\w*|evangelisch
      |katholisch|muslim\w*|kirche|staatsangehörig\w*|herkunft|geschlecht|behinder\w*|schwerbehind\w*
      |krank\w*|gewerkschaft\w*|partei\w*)\b
    | \b(?:salary|pay|paid|bonus|benefits?|holidays?|vacation|pension|equal\s+opportunity|gehalt
      |vergütung|urlaub\w*|bieten|bewerb\w*|apply|interview|interviews|wage)\b
    | (?:EUR|GBP|USD|€|£|\$)\s?\d | \b(?:m/w/d|w/m/d|m/f/d)\b
    | \b(?:ignore|disregard|instructions?|prompt|system|ignorier\w*|anweisung\w*)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
# "system" is also an honest word of postings; only a command about it is off limits.
HARMLESS = re.compile(r"\b(?:systems?|operating system)\b(?!\s*(?:prompt|:))", re.IGNORECASE)
SCHOOLING = re.compile(
    r"\b(?:msc|bsc|ba|ma|mba|phd|university|college|degree|diploma|abitur|realschul\w*|studium"
    r"|universität|hochschule|education|ausbildung|volunteer|ehrenamt|languages?|sprachen)\b",
    re.IGNORECASE,
)
REQUIRED_YEARS = re.compile(r"(?<!\d)\d++\s*+\+?\s*+(?:years?|jahre?)", re.IGNORECASE)
SECTIONS_TO_SKIP = re.compile(
    r"^(?:education|ausbildung|languages|sprachen|interests|hobbies|references|personal\w*"
    r"|persönlich\w*|bildung\w*|nice to have|wir bieten|we offer|benefits)\b",
    re.IGNORECASE,
)
SECTION_TITLE = re.compile(
    r"^(?:what|who|why|how|your|our|about|was|wer|deine?|ihre?|unsere?|über)\b[^.!]{0,30}$",
    re.IGNORECASE,
)
SKILL_SECTION = re.compile(r"^(?:skills?|technical skills|kenntnisse|fähigkeiten|tools?)\b", re.I)
SOFT_SKILL = re.compile(
    r"\b(?:interest\w*|passion\w*|motivat\w*|patien\w*|team\w*|communication|interesse|geduld|freude"
    r"|spaß|motivation|erfahrung\w*|kommunikation\w*|zuverlässig\w*)\b",
    re.IGNORECASE,
)
TOOLS = re.compile(
    r"\b(?:Python|Django|FastAPI|Flask|PostgreSQL|MySQL|SQLite|SQL|Redis|Celery|Kafka|RabbitMQ|AWS"
    r"|Azure|GCP|Docker|Kubernetes|Terraform|Ansible|Linux|Windows Server|Elasticsearch|GraphQL"
    r"|TypeScript|JavaScript|React|Angular|Vue|Node\.js|Java|Kotlin|Swift|Go|Rust|PHP|Laravel|Ruby"
    r"|Rails|Scala|Spark|Airflow|Excel|Power BI|Tableau|SAP|Salesforce|Jira|Git|Jenkins|Figma)\b"
    r"|\bC(?:\+\+|#)"
)


@dataclass(frozen=True)
class Piece:
    """Words as they stand in the text, and the employer they belong to, where one is known."""

    text: str
    employer: str = ""


def posting_duties(text: str) -> list[Piece]:
    """What the job is about, bullets before running text."""
    ranked: tuple[list[Piece], ...] = ([], [], [])
    for line in _lines(text)[1:] or _lines(text):
        if not _is_skipped(line) and not SECTION_TITLE.match(line):
            ranked[_rank(line)].extend(Piece(clause) for clause in _clauses(line))
    duties = _distinct(ranked[0] + ranked[1])
    return duties if len(duties) >= ENOUGH_DUTIES else _distinct(duties + ranked[2])


def resume_deeds(text: str) -> list[Piece]:
    """What the person did, with the employer of the last line that named one."""
    deeds: list[Piece] = []
    employer, has_begun, skipping = "", False, False
    for line in _lines(text)[1:]:
        if _is_heading(line):
            skipping = bool(SECTIONS_TO_SKIP.match(line) or SKILL_SECTION.match(line))
            continue
        if YEARS.search(line):
            has_begun = True
            employer, line = _employer_and_rest(line)
        if skipping or _is_skipped(line) or SCHOOLING.search(line):
            continue
        if has_begun:  # what stands before the first job is a headline, not a deed
            deeds.extend(Piece(clause, employer) for clause in _clauses(line))
    return _distinct(deeds) or _distinct([Piece(each) for each in _prose(text)])


def topics(text: str) -> list[Piece]:
    """Short names: tools, and the items of lists after a colon."""
    listed = [
        item
        for line in _lines(text)
        if not _is_skipped(line) and not YEARS.search(line)
        for item in _listed_items(line)
    ]
    tools = [match.group() for match in TOOLS.finditer(text)]
    return _distinct([Piece(each) for each in listed + tools])


def _rank(line: str) -> int:
    """Bullets, then sentences, then the rest: places and headings, or a list that lost its dots."""
    if BULLET.match(line):
        return 0
    return 1 if line[-1] in ".!" else 2


def _lines(text: str) -> list[str]:
    """Lines, with those joined again that a page's width broke."""
    joined: list[str] = []
    for raw in text[:MAX_TEXT].splitlines():
        line = " ".join(raw.split())
        if not line:
            continue
        if joined and _continues(joined[-1], line):
            joined[-1] = f"{joined[-1]} {line}"
        else:
            joined.append(line)
    return joined


def _continues(before: str, line: str) -> bool:
    if BULLET.match(line) or YEARS.search(line) or _is_heading(before) or _is_heading(line):
        return False
    return before[-1] not in ".!?:" and (bool(BULLET.match(before)) or line[0].islower())


def _is_heading(line: str) -> bool:
    return bool(HEADING.match(line)) and (line.isupper() or line.endswith(":"))


def _is_skipped(line: str) -> bool:
    return bool(SECTIONS_TO_SKIP.match(BULLET.sub("", line)))


def _employer_and_rest(line: str) -> tuple[str, str]:
    """ "2019-now  Delivery Manager, Metrolink Signs Ltd. Ran …" → the firm, and what follows it."""
    without_years = YEARS.sub("", line)
    match = COMPANY_END.search(without_years)
    if match is None:
        return "", ""
    return match.group(1).strip(), without_years[match.end() :].strip(" )(.")


def _prose(text: str) -> list[str]:
    lines = (line for line in _lines(text) if not _is_skipped(line) and not SCHOOLING.search(line))
    return [clause for line in lines for clause in _clauses(line)]


def _clauses(line: str) -> list[str]:
    """The clauses of a line that are long enough to mean something and short enough to quote."""
    body = BRACKETS.sub("", BULLET.sub("", line)).strip()
    found = []
    for sentence in SENTENCE_END.split(body):
        found += [_shortened(part) for part in _clause_parts(sentence)]
    return [clause for clause in found if _is_usable(clause)]


def _clause_parts(sentence: str) -> list[str]:
    # A list of single words falls apart into nothing; its items are topics.
    return CLAUSE.split(sentence) if len(sentence.split()) > MAX_WORDS else [sentence]


def _shortened(clause: str) -> str:
    """At most MAX_WORDS, cut where a phrase begins, so that the quote does not end in mid-air."""
    words = clause.strip(" .!,;:\"“”„'").split()
    if len(words) <= MAX_WORDS:
        return " ".join(words)
    head = " ".join(words[: MAX_WORDS + 1])
    cuts = [match.start() for match in CUT_BEFORE.finditer(head)]
    fitting = [cut for cut in cuts if len(head[:cut].split()) >= MIN_WORDS + 1]
    return DANGLING.sub("", head[: fitting[-1]] if fitting else " ".join(words[:MAX_WORDS]))


def _is_usable(clause: str) -> bool:
    words = clause.split()
    return (
        MIN_WORDS <= len(words) <= MAX_WORDS
        and len(clause) <= MAX_CHARACTERS
        and "?" not in clause
        and "@" not in clause
        and "‹" not in clause
        and '"' not in clause
        and clause.count(",") < 2
        and not AFTERTHOUGHT.search(clause)
        and not OFF_LIMITS.search(HARMLESS.sub("", clause))
        and not REQUIRED_YEARS.search(clause)
        and any(character.isalpha() for character in clause)
    )


def _listed_items(line: str) -> list[str]:
    before, colon, after = BRACKETS.sub("", BULLET.sub("", line)).partition(": ")
    if not colon or not before.strip():
        return []
    items = re.split(r",\s+(?:and\s+|und\s+)?|\s+(?:oder|or)\s+|\.\s*$", after)
    return [item.strip(" .") for item in items if _is_topic(item.strip(" ."))]


def _is_topic(item: str) -> bool:
    words = item.split()
    return (
        1 <= len(words) <= TOPIC_MAX_WORDS
        and 3 <= len(item) <= MAX_CHARACTERS
        and "." not in item
        and not re.search(r"[?;:\"@‹\d]", item)
        and not OFF_LIMITS.search(HARMLESS.sub("", item))
        and not SCHOOLING.search(item)
        and not AFTERTHOUGHT.search(item)
        and not SOFT_SKILL.search(item)
    )


def _distinct(pieces: list[Piece]) -> list[Piece]:
    seen: dict[str, Piece] = {}
    for piece in pieces:
        seen.setdefault(piece.text.casefold(), piece)
    return list(seen.values())
