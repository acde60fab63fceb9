"""What the reader of résumé files and its parser process agree on. Plain Python."""

MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_PAGES = 20
MAX_UNZIPPED_BYTES = 50 * 1024 * 1024
MAX_MEMBERS = 2_000
MAX_CHARACTERS = 400_000

MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 3
# The clock on the wall: longer, since the parser has a low priority and others may be at work.
WHOLE_SECONDS = 6
NICENESS = 10

PARSERS_AT_A_TIME = 2
WAIT_SECONDS = 1
# Part of the key of what is remembered: count it up when the parser answers otherwise.
PARSER_VERSION = 1

# What the parser answers instead of a text.
UNREADABLE = "unreadable"
NO_TEXT = "no_text"
TOO_LARGE = "too_large"
