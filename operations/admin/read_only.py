"""What all pages of the console share: looking is a permission, changing is a verb."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponseNotAllowed

from operations.admin.lookups import ListedLookupsAdmin

SCRIPTS = ("operations/console.js",)
STYLES = {"all": ("operations/console.css",)}


class ReadOnlyAdmin(ListedLookupsAdmin):
    """No row is added, edited or deleted by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def refuse_unless_post(request: HttpRequest) -> HttpResponseNotAllowed | None:
    """A verb is never a GET: a link, a prefetch or an image must not be able to do it."""
    return None if request.method == "POST" else HttpResponseNotAllowed(["POST"])


def refuse_without(request: HttpRequest, *permissions: str) -> None:
    if not request.user.has_perms(permissions):
        raise PermissionDenied
