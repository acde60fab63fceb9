"""One claim and its way back, to be timed. Django has to be set up before this is imported."""

from __future__ import annotations

import uuid

from django.db import transaction

from operations.engine.claims import claim_batch

CLAIM = 25


class RolledBack(Exception):
    pass


def claim_and_roll_back() -> None:
    try:
        with transaction.atomic():
            if len(claim_batch(owner=uuid.uuid4(), limit=CLAIM)) != CLAIM:
                raise SystemExit("a claim came back short")
            raise RolledBack
    except RolledBack:
        pass
