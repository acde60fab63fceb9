"""Two tabs with one question: a draft is replaced, or used up by an answer, only by who saw it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from interview_app.models import Draft


@dataclass(frozen=True)
class Tab:
    """A form as one tab shows it. `key`: the form's own; `seen`: when the draft that stood in it
    was saved (`version_of`), empty where none was."""

    key: UUID | None
    seen: str

    def knows(self, draft: Draft) -> bool:
        """It saved the draft itself, or showed it."""
        is_own = self.key is not None and draft.form_key == self.key
        return is_own or version_of(draft) == self.seen


def version_of(draft: Draft | None) -> str:
    return draft.saved_at.isoformat() if draft else ""


def would_lose(draft: Draft | None, text: str, tab: Tab | None) -> bool:
    """Whether words that the tab never showed would be gone if `text` took the draft's place."""
    if draft is None or tab is None or tab.knows(draft):
        return False
    return draft.text.strip() not in ("", text.strip())
