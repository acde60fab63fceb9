"""People in the admin: what they have going on, with links. No list shows an e-mail address, and
none can be asked about one, nor about a name or a password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from interview_app.accounts import delete_account
from interview_app.models import InterviewSession
from operations import limits
from operations.admin import CLEAR, ListedLookupsAdmin
from operations.admin.lookups import flag, is_flag, is_number, period
from operations.models import Door, Operation

if TYPE_CHECKING:
    UserAdminBase = UserAdmin[User]
    GroupAdminBase = GroupAdmin
    InlineBase = admin.TabularInline[InterviewSession, User]
else:
    UserAdminBase = UserAdmin
    GroupAdminBase = GroupAdmin
    InlineBase = admin.TabularInline

admin.site.unregister([User, Group])


class SessionInline(InlineBase):
    """Dates and numbers; the link leads to the page that asks who may read more."""

    model = InterviewSession
    fields = ("created_at", "mode", "language", "question_count", "attempt_number", "finished_at")
    readonly_fields = fields
    ordering = ("-created_at",)
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


GOING_ON = ("sessions", "operations", "unfinished", "open_failures", "limits_met")


@admin.register(User)
class PersonAdmin(ListedLookupsAdmin, UserAdminBase):
    document = "operating#accounts-and-data"
    fieldsets = (
        # Without `password`, of which Django shows parts of salt and hash.
        (None, {"fields": ("username", "password_state")}),
        *(UserAdmin.fieldsets or ())[1:],
        ("What is going on", {"fields": GOING_ON}),
    )
    readonly_fields = ("password_state", "new_password", *GOING_ON)
    inlines = (SessionInline,)
    list_display = (
        "username",
        "date_joined",
        "last_login",
        "sessions",
        "unfinished",
        "open_failures",
        "is_staff",
        "is_active",
    )
    list_filter = ("is_staff", "is_superuser", "is_active", "groups")
    lookups = {
        **flag("is_staff"),
        **flag("is_superuser"),
        **flag("is_active"),
        **period("date_joined"),
        "groups__id__exact": is_number,
        "groups__isnull": is_flag,
    }
    search_fields = ("username",)
    actions = ("let_try_again",)
    ordering = ("-date_joined",)
    date_hierarchy = "date_joined"
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        theirs = Operation.objects.filter(owner_id=OuterRef("pk"))
        failed = theirs.filter(status=Operation.Status.FAILED, acknowledged_at=None)
        people: QuerySet[User] = super().get_queryset(request)
        return people.annotate(
            session_count=_count(InterviewSession.objects.filter(owner_id=OuterRef("pk")), "owner"),
            unfinished_count=_count(theirs.filter(status__in=Operation.UNFINISHED), "owner"),
            failure_count=_count(failed, "owner"),
        )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not self.has_change_permission(request, obj):
            return fieldsets
        return ((None, {"fields": ("username", "new_password")}), *fieldsets[1:])

    @admin.display(description="password")
    def password_state(self, person: User) -> str:
        return "set" if person.has_usable_password() else "none"

    @admin.display(description="password")
    def new_password(self, person: User) -> SafeString:
        url = reverse("admin:auth_user_password_change", args=[person.pk])
        return format_html(
            '{}. <a class="button" href="{}">Set a new one</a>',
            self.password_state(person).capitalize(),
            url,
        )

    @admin.display(description="sessions", ordering="session_count")
    def sessions(self, person: Any) -> SafeString:
        url = reverse("admin:interview_app_interviewsession_changelist")
        return format_html(
            '<a href="{}?owner__exact={}">{}</a>', url, person.pk, person.session_count
        )

    @admin.display(description="AI operations")
    def operations(self, person: Any) -> SafeString:
        url = reverse("admin:operations_operation_changelist")
        return format_html('<a href="{}?owner__exact={}">all of theirs</a>', url, person.pk)

    @admin.display(description="AI work under way", ordering="unfinished_count")
    def unfinished(self, person: Any) -> int:
        count: int = person.unfinished_count
        return count

    @admin.display(description="open failures", ordering="failure_count")
    def open_failures(self, person: Any) -> SafeString:
        url = reverse("admin:operations_operation_changelist")
        return format_html(
            '<a href="{}?owner__exact={}&amp;state=failed">{}</a>',
            url,
            person.pk,
            person.failure_count,
        )

    @admin.display(description="has to wait for")
    def limits_met(self, person: Any) -> str:
        waits = limits.waits_of(person)
        return "; ".join(f"{rule.what}: {wait:.0f} s" for rule, wait in waits) or "nothing"

    @admin.action(description="Let them sign in and go on at once", permissions=["clear"])
    def let_try_again(self, request: HttpRequest, people: QuerySet[User]) -> None:
        messages.success(request, f"Limits cleared: {sum(map(limits.clear, people))}.")

    def has_clear_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(CLEAR)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Without what hangs below each person, which is counted: a token is called its digest."""
        lines, counts, forbidden, protected = super().get_deleted_objects(objs, request)
        return [line for line in lines if isinstance(line, str)], counts, forbidden, protected

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """With all that hangs below."""
        delete_account(person=obj, actor=cast(User, request.user), door=Door.ADMIN)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for person in queryset:
            self.delete_model(request, person)


@admin.register(Group)
class GuardedGroupAdmin(ListedLookupsAdmin, GroupAdminBase):
    document = "operating#who-may-do-what"
    lookups = {}


def _count(rows: QuerySet[Any], group: str) -> Coalesce:
    """A subquery per column: two joins in one query would multiply each other's rows."""
    counted = rows.order_by().values(group).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
