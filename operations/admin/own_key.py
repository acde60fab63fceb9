"""That people have keys of their own: a hint of each and no more, and the means to delete one."""

from __future__ import annotations

from typing import cast

from django.contrib import admin
from django.contrib.auth.models import AbstractUser
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from operations import services
from operations.admin.lookups import period
from operations.admin.read_only import ReadOnlyAdmin
from operations.models import OwnKey

DELETE = "operations.delete_ownkey"


@admin.register(OwnKey)
class OwnKeyAdmin(ReadOnlyAdmin):
    fields = list_display = ("owner", "hint", "base_url", "saved_at")
    list_select_related = ("owner",)
    list_filter = ("saved_at",)
    lookups = period("saved_at")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(DELETE)

    def delete_model(self, request: HttpRequest, obj: OwnKey) -> None:
        actor = cast(AbstractUser, request.user)  # the admin lets nobody else in
        services.delete_own_key(person=obj.owner, actor=actor)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[OwnKey]) -> None:
        for key in queryset.select_related("owner"):
            self.delete_model(request, key)
