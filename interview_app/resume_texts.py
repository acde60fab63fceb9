"""What a person is told of a file: why it was refused, or what was seen in it, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from interview_app.resume_limits import (
    CUT_OFF,
    EMBEDDED_FILE,
    ENCODING_GUESSED,
    FEW_WORDS,
    GARBLED,
    GLUED_WORDS,
    HYPHENS_JOINED,
    LINK_ONLY,
    NO_TEXT,
    OTHER_PACKAGE,
    PASSWORD,
    PICTURE_PAGES,
    TOO_COSTLY,
    UNREADABLE,
)

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

EMPTY = _("This file is empty. Please choose another one or paste the text.")
PICTURE_ONLY = _(
    "No text can be found in this file; it may hold only a picture of your résumé. Please paste the"
    " text instead."
)
NOT_WHAT_IT_CLAIMS = _(
    "This file is not what its name says, or it is damaged. Please save it again or paste the text."
)
UNPACKED_TOO_LARGE = _(
    "What this file holds is too large to be read. Please save your résumé without pictures or"
    " paste the text."
)
PICTURE_FILE = _(
    "This is a picture, and words in a picture cannot be read here. Please choose the document that"
    " it was made from, or paste the text."
)
PACKED_FILE = _(
    "This is an archive with files in it. Please unpack it and choose your résumé, or paste the"
    " text."
)
LINK_INSTEAD_OF_RESUME = _(
    "This is only a link, and no page is fetched for you. Please open it, copy the text of your"
    " résumé and paste that."
)
LINK_INSTEAD_OF_POSTING = _(
    "This is only a link, and no page is fetched for you. Please open it, copy the whole posting"
    " and paste that."
)

REFUSED: dict[str, _StrPromise] = {
    UNREADABLE: NOT_WHAT_IT_CLAIMS,
    NO_TEXT: PICTURE_ONLY,
    PASSWORD: _(
        "This file is protected by a password. Please save it without one or paste the text."
    ),
    EMBEDDED_FILE: _(
        "This Word file holds another file that cannot be read here. Please open it in Word, save"
        " it as PDF and choose that, or paste the text."
    ),
    OTHER_PACKAGE: _(
        "This is no résumé in a form that can be read here, but another kind of file. Please save"
        " your résumé as PDF or .docx, or paste the text."
    ),
    LINK_ONLY: LINK_INSTEAD_OF_RESUME,
    GARBLED: _(
        "Hardly any words can be made out in this file; it may not say which characters its font"
        " shows. Please save it again from the program that made it, as PDF or .docx, or paste the"
        " text."
    ),
    TOO_COSTLY: _(
        "Reading this file takes too long. Please save it again from the program that made it, as"
        " PDF or .docx, or paste the text."
    ),
}

UNSUPPORTED: dict[str, _StrPromise] = {
    "doc": _(
        "This is a file of Word 2003 or older. Please open it in Word or LibreOffice, save it as"
        " .docx or PDF and choose that, or paste the text."
    ),
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "bmp", "webp", "heic", "tif"), PICTURE_FILE),
    **dict.fromkeys(("tiff", "avif", "svg"), PICTURE_FILE),
    **dict.fromkeys(("zip", "rar", "7z", "gz", "tar"), PACKED_FILE),
    "pages": _(
        "This is a file of Apple Pages. Please choose Export to > PDF or Word in Pages and take"
        " that file, or paste the text."
    ),
    "gdoc": _(
        "This file holds only a link to Google Docs. Please choose Download > PDF there and take"
        " that file, or paste the text."
    ),
    "tex": _("This is LaTeX source. Please choose the PDF that it makes, or paste the text."),
}

WARNINGS: dict[str, _StrPromise] = {
    GLUED_WORDS: _("Many words stand together without blanks. Please part them."),
    GARBLED: _("Many characters here are no letters. Please correct them or paste the text again."),
    FEW_WORDS: _("There are hardly any words. Please look whether something is missing."),
    PICTURE_PAGES: _(
        "Some pages are pictures, whose words cannot be read. Please add what they say."
    ),
    HYPHENS_JOINED: _(
        "Words parted at a line's end were joined. Please look whether a hyphen belongs into one."
    ),
    ENCODING_GUESSED: _(
        "The file does not say how its letters are stored, so that was guessed. Please look at"
        " letters with accents."
    ),
    CUT_OFF: _("The file holds more text than is read; the end is missing."),
    LINK_ONLY: LINK_INSTEAD_OF_RESUME,
}
