"""Rubrics of an operator's own: a new version, into use, out of use, and which one is to judge.

The operation that judges an answer names its rubric in its parameters from the start; without a
name it is judged by the one that comes with the product. A retry therefore uses the same one,
whatever was put into use meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Coalesce
from django.utils import timezone

from interview_app.models import RubricVersion
from interview_app.queries import RUBRIC
from interview_app.rubric import is_built_in
from operations.models import Operation


def add_version(rubric: RubricVersion, *, created_by: User | None) -> RubricVersion:
    """Saves it as the next version of its name, not in use. Raises ValidationError."""
    with transaction.atomic():
        same = RubricVersion.objects.filter(slug=rubric.slug)
        # Two who save at once get two numbers; those of a name that is new to both, one an error.
        list(same.select_for_update().order_by("pk"))
        rubric.number = (same.aggregate(last=Max("number"))["last"] or 0) + 1
        rubric.created_by = created_by
        rubric.save()
    return rubric


def put_into_use(rubric: RubricVersion) -> None:
    """From now on answers to its type of question are judged by this one and by no other."""
    with transaction.atomic():
        same_type = RubricVersion.objects.filter(question_type=rubric.question_type)
        list(same_type.select_for_update().order_by("pk"))
        same_type.exclude(pk=rubric.pk).update(in_use=False)
        same_type.filter(pk=rubric.pk).update(
            in_use=True, first_used_at=Coalesce(F("first_used_at"), timezone.now())
        )


def take_out_of_use(rubric: RubricVersion) -> None:
    """Where it was in use, the one that comes with the product judges again."""
    RubricVersion.objects.filter(pk=rubric.pk).update(in_use=False)


def version_in_use(question_type: str) -> str:
    """Of an operator's own; empty: none is in use."""
    rubric = RubricVersion.objects.filter(question_type=question_type, in_use=True).first()
    return rubric.version if rubric else ""


def judged_by(version: str) -> dict[str, str]:
    """The parameters of an operation that judges by the rubric of this version."""
    return {} if not version or is_built_in(version) else {RUBRIC: version}


def named_by(operations: Iterable[Operation]) -> dict[str, RubricVersion]:
    """By version, those that the operations' parameters name. No query where none does."""
    versions = {each.parameters[RUBRIC] for each in operations if RUBRIC in each.parameters}
    if not versions:
        return {}
    slugs = {version.rpartition("-")[0] for version in versions}
    found = {each.version: each for each in RubricVersion.objects.filter(slug__in=slugs)}
    return {version: found[version] for version in versions if version in found}
