"""Plain text in whatever encoding it came.

UTF-8 and marked UTF-16 say what they are. The rest is guessed: by what charset-normalizer takes
for a language, among the encodings in which no word comes out with a sign in its middle.
"""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from interview_app.reading.reading import Reading, Refused
from interview_app.resume_limits import ENCODING_GUESSED, MAX_CHARACTERS, UNREADABLE

BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# Western Europe first: it wins where two give the same.
CANDIDATES = (
    "cp1252", "cp1250", "iso8859_2", "cp1251", "koi8_r", "mac_roman", "mac_cyrillic", "cp1253",
    "cp1254", "shift_jis", "gb18030", "euc_kr",
)  # fmt: skip
SAMPLE_BYTES = 20_000
# A sign inside a word, a capital after a small letter, a control character: not what people write.
ODD = re.compile(
    r"[^\W\d_][^\w\s'’\-/.&@+:,;|()*‑–—\u00ad][^\W\d_]|(?<!\S)[^\x00-\x7f\w\s„“”‚‘’«»–—•·€£§©®°¿¡…‐-―][^\W\d_]{2}"
    r"|[a-zß-öø-ÿ](?=[^\x00-\x7f])[A-ZÀ-ÖØ-ÞŠŽŸ]|[^\W\d_]‘(?=\s)|[\x80-\x9f]"
)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


def read(data: bytes) -> Reading:
    text, guessed = decoded(data)
    if len(CONTROL.findall(text)) > len(text) // 100:
        raise Refused(UNREADABLE)
    return Reading(text, [ENCODING_GUESSED] if guessed else [])


def decoded(data: bytes) -> tuple[str, bool]:
    """The text, and whether its encoding was a guess."""
    data = data[: 4 * MAX_CHARACTERS]
    for mark, encoding in BOMS.items():
        if data.startswith(mark):
            return _strictly(data, encoding), False
    if encoding := _unmarked_utf16(data):
        return _strictly(data, encoding), False
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data), False
    except UnicodeDecodeError:
        return _guessed(data), True


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise Refused(UNREADABLE) from None


def _unmarked_utf16(data: bytes) -> str:
    """Where a text of Latin letters has every other byte empty."""
    sample = data[:SAMPLE_BYTES]
    half = max(len(sample) // 2, 1)
    for encoding, empty in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        other = sample[::2] if encoding == "utf-16-le" else sample[1::2]
        if empty.count(0) > 0.7 * half and other.count(0) < 0.05 * half:
            return encoding
    return ""


def _guessed(data: bytes) -> str:
    sample = data[:SAMPLE_BYTES]
    texts: dict[str, str] = {}
    for encoding in CANDIDATES:
        try:
            texts[encoding] = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
    if not texts or b"\x00" in sample:
        raise Refused(UNREADABLE)
    oddities = {encoding: len(ODD.findall(text)) for encoding, text in texts.items()}
    fewest = min(oddities.values())
    likely = [encoding for encoding in texts if oddities[encoding] == fewest]
    best = from_bytes(sample, cp_isolation=likely).best()
    chosen = best.encoding if best and best.encoding in likely else likely[0]
    if texts[chosen] == texts.get("cp1252"):
        chosen = "cp1252"
    return data.decode(chosen, "replace")
