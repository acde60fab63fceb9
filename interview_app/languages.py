"""Which of the two languages a text is in, as far as its small words tell."""

from __future__ import annotations

import re

WORD = re.compile(r"[^\W\d_]+")
# Only words that the other language has not as well: "in", "was", "die" and "also" tell nothing.
SMALL_WORDS = {
    "en": frozenset(
        """
        the and of to is are were with for that this it you your what how which when why would did
        do does not no but or as from by have has be been my our they there could should where a an
        """.split()  # noqa: SIM905  (a list of so many quoted words cannot be read)
    ),
    "de": frozenset(
        """
        der das den dem des ein eine einen einem einer und oder aber ist sind nicht kein keine ich
        du dir dich dein deine deinen deiner wie wann warum welche welchen würdest hast mit für von
        zu zum zur auf aus bei nach über wird werden dass wenn weil noch nur einmal konkret
        """.split()  # noqa: SIM905
    ),
}
ENOUGH = 3
MARGIN = 2


def language_of(text: str) -> str | None:
    """`en`, `de`, or None where too little speaks for one of them."""
    words = WORD.findall(text.casefold())
    counts = {name: sum(word in small for word in words) for name, small in SMALL_WORDS.items()}
    best, other = sorted(counts, key=counts.__getitem__, reverse=True)
    is_clear = counts[best] >= ENOUGH and counts[best] >= MARGIN * counts[other]
    return best if is_clear else None
