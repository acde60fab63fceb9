"""What a migration does while people work: it must not hold up whoever writes meanwhile."""

from __future__ import annotations

from typing import Any

from django.db.migrations import AddIndex


class AddIndexOnline(AddIndex):
    """AddIndex that lets others write while it is built; for a migration with `atomic = False`.

    PostgreSQL leaves an index that was broken off, useless and in the way of its name: the next
    `migrate` begins by dropping it. SQLite has no such statement, and one writer at a time anyway.
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        schema_editor.remove_index(model, self.index, concurrently=True)
        schema_editor.add_index(model, self.index, concurrently=True)
