"""What a question can name: short pieces of the posting and the résumé, as they stand there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from interview_app.contact import without_contact_data
from interview_app.evidence import normalised
from interview_app.scorability import COMMON_WORDS, WORD

MIN_WORDS, MAX_WORDS = 4, 10
MAX_CHARACTERS = 100
MIN_TERM_LETTERS, MAX_TERM_LETTERS = 6, 30
BULLETS = "-*•·–‣▪ \t"

SENTENCE_END = re.compile(r"(?<=[.!?])\s")
PIECE_END = re.compile(r"[;:()|]|[,.](?=\s|$)|\s[-–—](?=\s)")
WORD_OR_CURRENCY = re.compile(r"\w+|[€£$]")
PERIOD = re.compile(r"(?:19|20)\d\d\s?(?:[-–—]|to\b|bis\b)")
UNQUOTABLE = re.compile(r"[?\"“”„<‹@]")
# No interviewer may ask about these, pay makes no question, an address is contact data, and a line
# that talks to a machine is no duty.
OFF_LIMITS = frozenset(
    """
    age aged old young married marital single divorced kids race gender illness union church
    christian jewish alter ledig verheiratet geschieden kind elternzeit kirche herkunft evangelisch
    katholisch salary pay wage wages bonus pension vacation gehalt vergütung eur gbp usd street road
    avenue address adresse anschrift disregard prompt € £ $
    """.split()  # noqa: SIM905  (a list of so many quoted words cannot be read)
)
OFF_LIMITS_STEMS = tuple(
    """
    born birth child famil pregnan parental maternity paternity religio muslim national citizen
    ethnic sexual disab politic jung gebor geburt kinder schwanger konfession staatsangehör
    geschlecht krank behinder schwerbehinder gewerkschaft partei benefit holiday urlaub
    ignor instruction anweisung
    """.split()  # noqa: SIM905
)
POSTCODE_DIGITS = 5


def sentences(text: str) -> list[str]:
    """Those that may be quoted from; the first line is a title or the person's name."""
    lines = text.splitlines()
    found = (part for line in lines[1:] or lines for part in SENTENCE_END.split(line))
    return [
        each
        for each in found
        if without_contact_data(each) == each
        and not any(map(_is_off_limits, WORD_OR_CURRENCY.findall(each.casefold())))
    ]


def _is_off_limits(word: str) -> bool:
    is_postcode = word.isdigit() and len(word) == POSTCODE_DIGITS
    is_street = word.endswith("strasse")  # as casefold writes it
    return word in OFF_LIMITS or word.startswith(OFF_LIMITS_STEMS) or is_street or is_postcode


def shared_terms(posting: Iterable[str], resume: Iterable[str], role: str) -> list[str]:
    """Words of both that the role does not say already, the longest first: they tell the most."""
    known = _folded(" ".join(resume)) - _folded(role) - COMMON_WORDS
    terms = {word.casefold(): word for word in WORD.findall(" ".join(posting))}
    common = (word for folded, word in terms.items() if folded in known)
    usable = (word for word in common if MIN_TERM_LETTERS <= len(word) <= MAX_TERM_LETTERS)
    return sorted(usable, key=len, reverse=True)


def phrases(said: Iterable[str], shared: Iterable[str]) -> list[str]:
    """Short pieces: those with a shared term first, then bullets and whole sentences, then rest."""
    terms = {term.casefold() for term in shared}
    ranked: dict[str, tuple[int, bool, str]] = {}
    for sentence in said:
        is_rest = sentence.lstrip()[:1] not in BULLETS and sentence.rstrip()[-1:] not in ".!;"
        for piece in _pieces(sentence):
            if MIN_WORDS <= len(piece.split()) <= MAX_WORDS and WORD.search(piece):
                rank = (-len(terms & _folded(piece)), is_rest, piece)
                ranked.setdefault(normalised(piece), rank)
    return [piece for *_, piece in sorted(ranked.values(), key=lambda rank: rank[:2])]


def names(said: Iterable[str], role: str) -> list[str]:
    """Of firms, as far as capitals tell: two to four words that do not repeat the role."""
    found = dict.fromkeys(piece for sentence in said for piece in _pieces(sentence))
    return [
        piece
        for piece in found
        if 2 <= len(piece.split()) <= MIN_WORDS
        and all(word[0].isupper() for word in piece.split())
        and not _folded(piece) & _folded(role)
    ]


def employers(entries: str) -> list[str]:
    """Of the jobs in a block of résumé entries, in its order: the most recent first."""
    rows = (line.split(" | ") for line in entries.splitlines())
    named = dict.fromkeys(row[-1] for row in rows if row[0] == "experience" and row[-1] != "-")
    return [
        name
        for name in named
        if not UNQUOTABLE.search(name)
        and not any(map(_is_off_limits, WORD_OR_CURRENCY.findall(name.casefold())))
    ]


def _pieces(sentence: str) -> Iterator[str]:
    for part in PIECE_END.split(sentence):
        piece = " ".join(part.strip(BULLETS + ".!'").split())
        if len(piece) <= MAX_CHARACTERS and not UNQUOTABLE.search(piece):
            yield piece


def _folded(text: str) -> set[str]:
    return {word.casefold() for word in WORD.findall(text)}
