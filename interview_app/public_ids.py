"""What a person is called outside of this process: a UUID, which says neither how many there are
nor who came first. Rows and the operator's pages and logs keep the number."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import AbstractUser, User

from interview_app.models import PublicId


def public_id_of(person: AbstractUser) -> UUID:
    """The same at each call, from any number of processes; made when it is first asked for."""
    row, _made = PublicId.objects.get_or_create(person_id=person.pk)
    return row.id


def person_of(public_id: UUID) -> User | None:
    return User.objects.filter(public_id__id=public_id).first()
