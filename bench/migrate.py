"""Make the tables of a template database: the product's, the bench's and procrastinate's."""

from __future__ import annotations

import django

from bench.options import current_run

django.setup()

from django.core.management import call_command  # noqa: E402

call_command("migrate", run_syncdb=True, verbosity=0)
if not current_run().is_sqlite:
    from bench.peers.procrastinate_app import app

    with app.open():
        app.schema_manager.apply_schema()
