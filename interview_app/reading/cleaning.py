"""What programs leave in a text that nobody wrote: ligatures, icons, parted words, page numbers.

Every rule is a pattern over one line or two, in time that grows with the text's length.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from interview_app.resume_limits import HYPHENS_JOINED

PAGE_END = "\f"

# What TeX has at these codes, where a font has no map: in T1, and in its older encoding.
TEX_LIGATURES = {
    "\x1b": "ff", "\x1c": "fi", "\x1d": "fl", "\x1e": "ffi", "\x1f": "ffl",
    "\x0b": "ff", "\x0e": "ffi", "\x0f": "ffl",
}  # fmt: skip
IN_A_WORD = re.compile(r"(?<=[^\W\d_])[\x0b\x0e\x0f\x1b-\x1f]|[\x0b\x0e\x0f\x1b-\x1f](?=[^\W\d_])")
GLYPH_NAMES = re.compile(r"/(f(?:_f)?_[filt])")
COMPATIBLE = re.compile("[\ufb00-\ufb06\ufb13-\ufb17\ufb1d-\ufdff\ufe70-\ufefc]")
BLANKS = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\t]")
UNSEEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufe00-\ufe0f]")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\x80-\x9f]")
ICON_BULLETS = "\uf0b7\uf0a7\uf0a8\uf0d8\uf0fc\uf076\uf06e\u25aa\u25cf\u25e6\u2023"
# U+FFFD by itself is an icon too: its font does not say what it shows.
AT_A_START = re.compile(rf"^[^\S\n]*(?:[{ICON_BULLETS}][^\S\n]*|\ufffd[^\S\n]+)(?=\S)", re.M)
ICON = re.compile("[\ue000-\uf8ff] ?|(?<!\\S)\ufffd(?!\\S) ?")
SPACED_OUT = re.compile(r"(?<!\S)[^\W\d_](?: [^\W\d_]){2,}(?:  +[^\W\d_](?: [^\W\d_])*)*(?!\S)")

PAGE_NUMBER = re.compile(
    r"\W{0,3}(?:(?:page|seite|página|pagina|strona|sivu|side|sida|pág\.?|p\.)\s*)?\d{1,3}"
    r"(?:\s*(?:of|von|/|sur|de|di|z|av|\|)\s*\d{1,3})?\W{0,3}",
    re.IGNORECASE,
)
NUMBERED_PAGE = re.compile(
    r"\A(?:|.*[|·•–—,\-]\s*|.*\s{2})(?:page|seite|página|pagina|strona)\s+\d{1,3}"
    r"(?:\s*(?:of|von|/|sur|de|di|z)\s*\d{1,3})?\W{0,3}",
    re.IGNORECASE,
)
EDGE_LINES = 2

HYPHENATED = re.compile(
    r"(?<![^\W\d_'’-])([^\W\d_][\w'’]{0,60}+(?:-[\w'’]{1,60}+){0,6}+)([-\u2010\u00ad])$"
)
CONTINUED = re.compile(r"\A\s*+([^\W\d_][\w'’]*+)")
# A program that parts words does it often: a single one is more likely to be written so.
SEVERAL = 2
ENDS_WORDS = re.compile(
    r"[a-zäöü]{0,4}(?:tion|sion|ment|ture|ness|able|ible|ity|ance|ence|ency|ical|ive|ous|ally|tors?"
    r"|sis|ung|ungen|heit|keit|schaft|lich|isch)s?|[a-z]{0,2}ing|(?:ers?|ed|ly|al|ic)"
)
LONGEST_WORD = 60
LONGEST_LINE = 1_000
BLANK_LINES = 4  # between the halves of a word, at the end of a page
SUSPENDED = frozenset(
    ("und", "oder", "bzw", "and", "or", "to", "et", "ou", "y", "o", "e", "i", "och")
)
# Halves of compounds that English writes with a hyphen; no syllables at which a word is parted.
FIRST = frozenset(
    "back best cost cross customer day decision double end event fact first five four front full"  # noqa: SIM905
    " half hands hard high large life light long low machine mission new non object one open part"
    " peer problem quick real right risk second self server short side single six small soft state"
    " team test third three time top two user value vice well wide work world year zero".split()
)
LAST = frozenset(
    "aware back based border centred critical cutting date day driven edge end ended efficient"  # noqa: SIM905
    " facing first free functional half hand in level life line long made making minded month"
    " new off on one oriented out party person place plus point purpose quality ready related risk"
    " run saving scale sector service side site size solving source specific speed stack standing"
    " start step style tech term tier time to tolerant top value way week wide winning".split()
)


def cleaned(text: str) -> tuple[str, list[str]]:
    """The text as a person would have typed it, and the codes of what was guessed."""
    text = _characters(text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = _without_page_numbers([line.rstrip(" ") for line in text.split("\n")])
    known = _words_with_hyphen(lines)
    joined, parted, guesses = _joined(lines, known, guessing=True)
    if parted < SEVERAL:
        joined, _parted, _guesses = _joined(lines, known, guessing=False)
    text = "\n".join(line.replace("\u00ad", "").replace("\u2010", "-") for line in joined)
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    return text, [HYPHENS_JOINED] if guesses else []


def _characters(text: str) -> str:
    text = IN_A_WORD.sub(lambda found: TEX_LIGATURES[found.group()], text)
    text = GLYPH_NAMES.sub(lambda found: found.group(1).replace("_", ""), text)
    text = COMPATIBLE.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)
    text = BLANKS.sub(lambda found: "  " if found.group() == "\t" else " ", text)
    text = UNSEEN.sub("", text).replace("\u2011", "-")
    text = ICON.sub("", AT_A_START.sub("• ", text))
    text = CONTROL.sub("", text).encode("utf-8", "ignore").decode("utf-8")
    text = SPACED_OUT.sub(_drawn_together, text)
    return unicodedata.normalize("NFC", text)


def _drawn_together(found: re.Match[str]) -> str:
    """L E T T E R S of a heading. Where no gap is wider, they may be words of one letter each."""
    words = re.split(" {2,}", found.group())
    if len(words) == 1 and len(words[0]) < 9:
        return found.group()
    return " ".join(word.replace(" ", "") for word in words)


def _without_page_numbers(lines: list[str]) -> list[str]:
    pages: list[list[str]] = [[]]
    for line in lines:
        if line.strip(PAGE_END + " ") == "" and PAGE_END in line:
            pages.append([])
        else:
            pages[-1].append(line.replace(PAGE_END, ""))
    if len(pages) == 1:
        last = max((at for at, line in enumerate(pages[0]) if line.strip()), default=0)
        alone = re.fullmatch(r"\W*1(?:\s*/\s*1)?\W*", pages[0][last])
        only = pages[0][:last] if alone and last else pages[0]
        return [line for line in only if not _is_numbered_page(line)]
    repeated = _running_titles(pages)
    kept: list[str] = []
    for number, page in enumerate(pages):
        edge = _edges(page)
        kept += [
            line
            for at, line in enumerate(page)
            if not (
                _is_numbered_page(line)
                or (at in edge and PAGE_NUMBER.fullmatch(line.strip()))
                or (at in edge and number > 0 and line.strip() in repeated)
            )
        ]
    return kept


def _is_numbered_page(line: str) -> bool:
    return len(line) < 120 and bool(NUMBERED_PAGE.fullmatch(line.strip()))


def _edges(page: list[str]) -> set[int]:
    written = [at for at, line in enumerate(page) if line.strip()]
    return {*written[:EDGE_LINES], *written[-EDGE_LINES:]}


def _running_titles(pages: list[list[str]]) -> set[str]:
    """Lines at the edge of most pages, of three or more: once is enough."""
    seen = Counter(
        line for page in pages for line in {page[at].strip() for at in _edges(page)} if line
    )
    return {line for line, times in seen.items() if times >= max(3, 0.6 * len(pages))}


def _words_with_hyphen(lines: list[str]) -> Counter[str]:
    """Words as they stand within a line: they show how this text writes them."""
    return Counter(
        word.lower() for line in lines for word in re.findall(r"[^\W\d_][\w'’]*(?:-[\w'’]+)*", line)
    )


def _joined(lines: list[str], known: Counter[str], *, guessing: bool) -> tuple[list[str], int, int]:
    """Lines whose last word goes on in the next one, joined; how many hyphens went, and how many of
    those by guess. Without guessing those stay."""
    joined: list[str] = []
    parted = guesses = 0
    for line in lines:
        before = next((at for at in _last_places(joined) if joined[at].strip()), None)
        ends = HYPHENATED.search(joined[before][-LONGEST_WORD:]) if before is not None else None
        goes_on = CONTINUED.match(line)
        if before is None or not ends or not goes_on or _is_whole(joined[before], goes_on.group(1)):
            joined.append(line)
            continue
        hyphen, guess = _hyphen_between(ends.group(1), ends.group(2), goes_on.group(1), known)
        parted += hyphen == ""
        guesses += guess
        if guess and not guessing:
            hyphen = "-"
        del joined[before + 1 :]
        joined[before] = joined[before][:-1] + hyphen + line.strip()
    return joined, parted, guesses


def _last_places(lines: list[str]) -> range:
    return range(len(lines) - 1, max(len(lines) - 1 - BLANK_LINES, -1), -1)


def _is_whole(line: str, next_word: str) -> bool:
    """Whether the line stays as it is: two words share an end, or it is no line any more."""
    return next_word.lower() in SUSPENDED or len(line) > LONGEST_LINE


def _hyphen_between(first: str, hyphen: str, last: str, known: Counter[str]) -> tuple[str, bool]:
    """The hyphen that stays, and whether leaving it out was a guess."""
    compound, word = f"{first}-{last}".lower(), f"{first.rpartition('-')[2]}{last}".lower()
    if hyphen == "\u00ad":
        return "", False
    if known[compound] or not last[0].islower() or first.isupper():
        return "-", False
    if known[word] or hyphen == "\u2010":
        return "", False
    half = first.lower().rpartition("-")[2]
    if "-" in first or half in FIRST or last.lower() in LAST or not half[-1:].isalpha():
        return "-", False
    # Half a word that ends words only is no half of a compound.
    return "", not ENDS_WORDS.fullmatch(last.lower())
