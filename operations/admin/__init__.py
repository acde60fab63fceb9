"""The operator's door: find a failed operation, understand it, repair it, alone or by the hundred.

Rows are never edited here: status moves only through `operations.services`, the same functions that
the pages, the API and the commands call. Texts for operators are English, like the remedies.
"""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin

from operations.admin import (  # noqa: F401  (each registers its pages)
    alerts,
    bulk,
    operation,
    own_key,
    provider,
)
from operations.admin.limits import CLEAR
from operations.admin.lookups import ListedLookupsAdmin
from operations.admin.read_only import ReadOnlyAdmin
from operations.admin.subjects import register_session_states, register_subject_page

__all__ = [
    "CLEAR",
    "ListedLookupsAdmin",
    "ReadOnlyAdmin",
    "register_session_states",
    "register_subject_page",
]

# Nobody gets these. django-q2's own pages run any callable that is typed into them and unpickle
# what is in the database; knox's list the digests of all tokens and make a token of any person.
for app in ("django_q", "knox"):
    for model in apps.get_app_config(app).get_models():
        if admin.site.is_registered(model):
            admin.site.unregister(model)
