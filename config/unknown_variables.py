"""Variables that look like ours and are none: a misspelt setting would silently be its default.

With the prefixes that are ours alone every unknown name is refused. Others are shared with Django,
the provider's own tools and the shells of developers: there only a name that is almost one of ours
is a slip of the pen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches

OURS = ("OPERATIONS_", "OWN_KEY_", "SIMULATED_")
SHARED = (
    "ALERT_",
    "API_",
    "DATABASE_",
    "DJANGO_",
    "EMAIL_",
    "FIELD_",
    "LOG_",
    "MAX_",
    "OPENAI_",
    "REDIS_",
    "REGISTRATION_",
    "TRUSTED_",
    "TRY_",
)
ALMOST = 0.85
"""Of difflib's ratio: OPENAI_MODLE is 0.92 of OPENAI_MODEL, OPENAI_ORG_ID at most 0.72 of any."""

INNER = frozenset(
    {
        "OPERATIONS_SUPERVISOR",
        "OPERATIONS_LIFELINE_FD",
        "OPERATIONS_FAILPOINT",
        "OPERATIONS_DEATHS_FD",
    }
)
"""Set by our own processes for their children, and by tests."""

OF_OTHERS = frozenset({"OPENAI_ADMIN_KEY", "OPENAI_API_BASE", "OPENAI_API_TYPE"})
"""Of the provider's own library and of its former versions."""


def unknown(names: Iterable[str], *, known: Collection[str]) -> list[str]:
    """A sentence for each name that is meant for us and that nobody reads. Values are not told."""
    strangers = sorted(set(names) - set(known) - INNER - OF_OTHERS)
    return [
        f"{name} is no setting of this product. The nearest is {nearest}."
        for name in strangers
        if (nearest := _nearest(name, known))
    ]


def _nearest(name: str, known: Collection[str]) -> str:
    """Empty: the name is somebody else's."""
    if name.startswith(OURS):
        return get_close_matches(name, known, n=1, cutoff=0.0)[0]
    if not name.startswith(SHARED):
        return ""
    longer = [each for each in known if each.startswith(f"{name}_")]  # OPENAI_TIMEOUT
    return next(iter(longer or get_close_matches(name, known, n=1, cutoff=ALMOST)), "")
