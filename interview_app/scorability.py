"""Whether an answer can be scored at all, decided before a call is paid for.

Deliberately lenient: a false alarm costs a person one more click ("send it all the same"), so only
clear cases are kept back. The language of the answer is not judged.
"""

from __future__ import annotations

import re

TOO_SHORT = "too_short"
NO_WORDS = "no_words"
NOT_SCORABLE = "not_scorable"

MIN_CHARACTERS = 20

WORD = re.compile(r"[^\W\d_]+")
LATIN_LETTERS = re.compile(r"[a-zà-öø-ÿāăąćčďđēėęěğīłńňőœřśšşťūůűźżž]+")
VOWELS = "aeiouyàáâãäåæèéêëìíîïòóôõöøœùúûüýÿāăąēėęěīőūůű"
UNSPEAKABLE = re.compile(rf"[^{VOWELS}]{{6,}}|[{VOWELS}]{{5,}}|(.)\1\1")
KEYBOARD_RUN = re.compile("qwer|zuio|uiop|asdf|sdfg|dfgh|fghj|ghjk|hjkl|yxcv|zxcv|xcvb|cvbn|vbnm")
COMMON_WORDS = frozenset(
    """
    the a an and or but so because when while after before then with without for from to of in
    on at by as is are was were be been have has had do did does not no we i my our me us it
    this that they them their he she you your who which what there if would could can will about
    all more der die das den dem des ein eine einen einem einer und oder aber weil wenn als
    nachdem bevor dann mit ohne für von zu zum zur im auf an bei aus nach über ist sind war
    waren bin habe hat hatte haben hatten nicht kein keine wir ich mein meine meinen unser
    unsere mir mich uns es dies diese dieser dass sie ihr er wer was auch noch sehr würde könnte
    kann wird
    """.split()  # noqa: SIM905  (a list of so many quoted words cannot be read)
)


def not_scorable_reason(text: str) -> str | None:
    """`too_short`, `no_words` or None."""
    stripped = text.strip()
    if len(stripped) < MIN_CHARACTERS:
        return TOO_SHORT
    if not has_words(stripped):
        return NO_WORDS
    return None


def has_words(text: str) -> bool:
    words = WORD.findall(text.lower())
    if len(set(words) & COMMON_WORDS) >= 2:
        return True
    word_like = {word for word in words if _is_word_like(word)}
    return len(word_like) >= 2 and len(word_like) * 2 > len(set(words))


def _is_word_like(word: str) -> bool:
    if not LATIN_LETTERS.fullmatch(word):
        return True  # another script: nothing here can tell its words from noise
    return (
        len(word) >= 2
        and any(letter in VOWELS for letter in word)
        and not UNSPEAKABLE.search(word)
        and not KEYBOARD_RUN.search(word)
    )
