"""What the reader of résumé files and its parser process agree on. Plain Python."""

MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_PAGES = 40
MAX_UNZIPPED_BYTES = 50 * 1024 * 1024
MAX_MEMBERS = 2_000
# A tree takes some twenty times the memory of its XML; a long résumé has half a megabyte of it.
MAX_XML_BYTES = 8 * 1024 * 1024
MAX_CHARACTERS = 120_000

MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 3
# The clock on the wall: longer, since the parser has a low priority and others may be at work.
WHOLE_SECONDS = 6
NICENESS = 10

PARSERS_AT_A_TIME = 2
WAIT_SECONDS = 1
# Part of the key of what is remembered: count it up when the parser answers otherwise.
PARSER_VERSION = 3

# What the parser answers instead of a text; `resume_texts` has a sentence for each.
UNREADABLE = "unreadable"
NO_TEXT = "no_text"
TOO_LARGE = "too_large"
TOO_MANY_PAGES = "too_many_pages"
PASSWORD = "password"  # noqa: S105
EMBEDDED_FILE = "embedded_file"
OTHER_PACKAGE = "other_package"
LINK_ONLY = "link_only"
GARBLED = "garbled"
TOO_COSTLY = "too_costly"

# What the parser remarks beside a text.
GLUED_WORDS = "glued_words"
FEW_WORDS = "few_words"
PICTURE_PAGES = "picture_pages"
HYPHENS_JOINED = "hyphens_joined"
ENCODING_GUESSED = "encoding_guessed"
CUT_OFF = "cut_off"
