"""What the admin's lists answer to whoever asks through the address: nothing private, never 500.

Runs on PostgreSQL too: operations/tests/test_on_postgresql.py.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import time_machine
from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, JSONField, Model, TextField
from django.test import Client
from knox.models import AuthToken

from interview_app.models import Answer, InterviewSession, Resume
from interview_app.tests.test_admin import make_everything
from operations.admin import ListedLookupsAdmin
from operations.console import bulk
from operations.models import Operation
from operations.services import save_own_key
from operations.tests.factories import (
    OperationFactory,
    ProviderPauseFactory,
    UserFactory,
    WorkerHeartbeatFactory,
)

pytestmark = pytest.mark.django_db

SEED = 12
NUMBER_OF_QUERIES = 600
ADMINS = {model._meta.label_lower: each for model, each in admin.site._registry.items()}

PRIVATE = {
    "interview_app.jobposting": {"title", "company", "description", "tech_stack"},
    "interview_app.resume": {"entries", "text"},
    "interview_app.interviewsession": {"role", "job_description", "resume_text", "resume_entries"},
    "interview_app.question": {"text", "competency", "why"},
    "interview_app.draft": {"text"},
    "interview_app.answer": {"text"},
    "interview_app.feedback": {"criteria", "strengths", "fixes", "rewrite"},
    "interview_app.sessionsummary": {"text", "by_competency", "strengths", "habits", "exercise"},
    "interview_app.secondopinion": {"criteria"},
    "interview_app.story": {"title", "question", "text", "competency"},
    "auth.user": {"password", "email", "first_name", "last_name"},
    "operations.ownkey": {"encrypted"},
    "knox.authtoken": {"digest", "token_key"},
    "sessions.session": {"session_key", "session_data"},
}
NO_WORDS = {
    ("interview_app.sessionsummary", "missing"),
    ("interview_app.resume", "warnings"),
    ("interview_app.rubricversion", "criteria"),
}
"""Numbers and codes; and what an operator wrote for all to be judged by."""

FORMS = (
    "",
    *("__exact", "__iexact", "__contains", "__icontains", "__startswith", "__istartswith"),
    *("__endswith", "__iendswith", "__regex", "__iregex", "__in", "__gt", "__gte", "__lt", "__lte"),
    *("__range", "__isnull", "__0__contains", "__has_key", "__length__gt"),
)

ODD = (
    *("", " ", "0", "1", "-1", "1.5", "1e999", "NaN", "²", "٣", "true", "True", "None", "null"),
    *("9" * 10, "9" * 20, "9" * 40, "9" * 5000, "-" + "9" * 20),
    *("\0", "a\0b", "é\0", "%", "_", "\\", "'", '"', "'; --", "(", "[", "(?P<", "*", "{}", "[1"),
    *("not-a-uuid", str(uuid4()), "0" * 32, f"{{{uuid4()}}}", "1,2,3", "a,b"),
    *("2026-13-45", "2026-11-27", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59+00:00"),
    *("0001-01-01T00:00:00+14:00", "2026-11-27 00:00:00+00:00", "0000", "2026", "9999", "10000"),
    *("a" * 600, " ".join("a" * 400), ".".join("1" * 3000), "-1.2", "--1", "99", "1.-"),
    *("\U0001f600", "\ufeff", "<script>", "../..", "failed", "24h"),
)
RESERVED = (
    *("q", "o", "p", "e", "all", "_facets", "_popup", "_to_field", "_source_model"),
    *("_changelist_filters", "pop", "utm_source", "id__in", "pk", "pk__in"),
)


def list_url(label: str) -> str:
    return f"/admin/{label.replace('.', '/')}/"


def client_of(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def viewer(label: str) -> Client:
    """May look at the rows of one model, and at nobody's words."""
    app, name = label.split(".")
    person: User = UserFactory(username=f"viewer of {label}", is_staff=True)
    permission = Permission.objects.get(content_type__app_label=app, codename=f"view_{name}")
    person.user_permissions.add(permission)
    return client_of(person)


def read_only_operator() -> Client:
    person: User = UserFactory(username="operator", is_staff=True)
    person.groups.add(Group.objects.get(name="Operators (read only)"))
    return client_of(person)


@pytest.fixture
def crowd() -> InterviewSession:
    """A row of each model, and more operations than a page holds."""
    session = make_everything()
    User.objects.filter(pk=session.owner_id).update(first_name="Mara", last_name="Vance")
    AuthToken.objects.create(user=session.owner)
    save_own_key(person=session.owner, key="a-key-of-theirs-for-tests")
    ProviderPauseFactory()
    WorkerHeartbeatFactory()
    OperationFactory.create_batch(60, failed=True, owner=session.owner)
    bulk.draft(verb="retry", operations=Operation.objects.all(), actor=None)
    return session


# --- The lists themselves ---------------------------------------------------------------------


@pytest.mark.parametrize("label", ADMINS)
def test_every_admin_names_what_may_be_asked(label: str) -> None:
    each = type(ADMINS[label])

    assert issubclass(each, ListedLookupsAdmin)
    assert "lookups" in vars(each), "a list of its own, be it empty"
    assert each.lookup_allowed is ListedLookupsAdmin.lookup_allowed
    assert each.get_changelist_instance is ListedLookupsAdmin.get_changelist_instance or (
        label == "interview_app.interviewsession"
    )


@pytest.mark.parametrize("label", ADMINS)
def test_no_private_column_is_listed_filtered_searched_or_sorted(label: str) -> None:
    each = ADMINS[label]
    asked = [*each.lookups, *each.search_fields, *each.list_display]  # type: ignore[attr-defined]
    asked += [str(getattr(column, "admin_order_field", "")) for column in shown_by(each)]
    asked += [path for path in each.list_filter if isinstance(path, str)]
    asked += [each.date_hierarchy or "", *(each.ordering or ())]

    assert not [path for path in asked if is_private(each.model, path)]


def shown_by(each: ModelAdmin[Any]) -> list[Any]:
    return [getattr(each, str(name), None) for name in each.list_display]


def is_private(model: type[Model], path: str) -> bool:
    for part in path.lstrip("-=^@").split("__"):
        try:
            field = model._meta.get_field(part)
        except FieldDoesNotExist:
            return False
        if part in PRIVATE.get(model._meta.label_lower, ()):
            return True
        model = field.related_model or model
    return False


def test_every_long_text_of_the_product_counts_as_private() -> None:
    texts = {
        (model._meta.label_lower, field.name)
        for model in ContentType.objects.get_for_model(Answer)._meta.apps.get_models()
        if model._meta.app_label == "interview_app"
        for field in model._meta.get_fields()
        if isinstance(field, TextField | JSONField)
    }

    known = {(label, column) for label, columns in PRIVATE.items() for column in columns}
    assert texts - known == NO_WORDS


def test_tokens_have_no_page() -> None:
    assert not admin.site.is_registered(AuthToken)


# --- Nothing is decidable ---------------------------------------------------------------------


def private_paths(model: type[Model], depth: int = 2) -> Iterator[str]:
    """Look-ups from the model to each private column, over at most `depth` relations."""
    for field in model._meta.get_fields():
        name = field.name if isinstance(field, Field) else query_name(field)
        if field.name in PRIVATE.get(model._meta.label_lower, ()):
            yield name
        elif field.related_model and depth and not name.endswith("+"):
            target: Any = field.related_model
            yield from (f"{name}__{path}" for path in private_paths(target, depth - 1))


def query_name(relation: Any) -> str:
    return str(relation.field.related_query_name())


def guesses(model: type[Model], path: str, form: str) -> tuple[str, str]:
    """A true and a false one, as good as who asks can make them."""
    if form == "__isnull":
        return "False", "True"
    value = next((str(v) for v in model._default_manager.values_list(path, flat=True) if v), "a")
    wrong = "~" * len(value)
    if form in ("__gt", "__gte"):
        return "", "~~~~"
    if form in ("__lt", "__lte"):
        return "~~~~", ""
    if form == "__range":
        return " ,~~~~", "~~~,~~~~"
    if form in ("__startswith", "__istartswith", "__regex", "__iregex"):
        return re.escape(value[:3]) if "regex" in form else value[:3], "~~~"
    return value, wrong


def answer_to(client: Client, label: str, name: str, guess: str) -> tuple[Any, ...]:
    """All that can be told apart: status, place, rows, and the page without what differs anyway."""
    page = client.get(f"{list_url(label)}?{urlencode({name: guess})}")
    text = re.sub(r'csrfmiddlewaretoken" value="[^"]*"', "", page.content.decode())
    changes = (page.context or {}).get("cl")
    rows = None if changes is None else changes.result_count
    return page.status_code, page.headers.get("Location"), rows, text


@pytest.mark.slow
@pytest.mark.parametrize("label", ADMINS)
def test_no_private_word_can_be_asked_for(crowd: InterviewSession, label: str) -> None:
    client = viewer(label)
    model = ADMINS[label].model
    chance = random.Random(f"{SEED} {label}")
    paths = sorted(private_paths(model))
    near = [(path, form) for path in paths if path.count("__") == 0 for form in FORMS]
    far = [(path, form) for path in paths if path.count("__") for form in FORMS]

    leaks = [
        path + form
        for path, form in near + chance.sample(far, min(len(far), 60))
        if answer_to(client, label, path + form, guesses(model, path, form)[0])
        != answer_to(client, label, path + form, guesses(model, path, form)[1])
    ]

    assert not leaks


@pytest.mark.parametrize("label", ADMINS)
def test_search_finds_nobody_by_a_private_word(crowd: InterviewSession, label: str) -> None:
    client = viewer(label)
    token = AuthToken.objects.get()
    person = crowd.owner
    person.refresh_from_db()
    words = ("strawberry", person.email, "Mara", person.password[:30], token.digest)

    found = {
        word: client.get(list_url(label), {"q": word}).context["cl"].result_count for word in words
    }
    nothing = client.get(list_url(label), {"q": "~~~~~"}).context["cl"].result_count

    assert set(found.values()) == {nothing}


@pytest.mark.parametrize("label", ["interview_app.interviewsession", "interview_app.resume"])
def test_no_order_tells_which_text_comes_first(crowd: InterviewSession, label: str) -> None:
    client = viewer(label)
    other = make_everything()
    orders = [f"{sign}{number}" for sign in ("", "-") for number in range(15)]

    def lists() -> list[list[Any]]:
        pages = [client.get(list_url(label), {"o": order}) for order in orders]
        return [[row.pk for row in page.context["cl"].result_list] for page in pages]

    with time_machine.travel("2026-11-27T12:00:00Z", tick=False):
        for first, last in (("a", "z"), ("z", "a")):
            for session, word in ((crowd, first), (other, last)):
                InterviewSession.objects.filter(pk=session.pk).update(role=word, resume_text=word)
                Resume.objects.filter(owner=session.owner).update(text=word)
                User.objects.filter(pk=session.owner_id).update(email=word, last_name=word)
            if first == "a":
                before = lists()

    assert lists() == before


def test_action_on_all_that_match_cannot_ask_either(crowd: InterviewSession) -> None:
    superuser = client_of(User.objects.create_superuser("ops", "ops@example.org", "x"))
    queries = ("owner__password__startswith=pbkdf2", "owner__email__contains=a", "nonsense=1")

    answers = [
        superuser.post("/admin/operations/operation/bulk/", {"verb": "retry", "query": query})
        for query in queries
    ]

    assert {answer.status_code for answer in answers} == {400}


def test_page_that_asks_before_deleting_a_person_shows_no_digest(crowd: InterviewSession) -> None:
    superuser = client_of(User.objects.create_superuser("ops", "ops@example.org", "x"))
    token = AuthToken.objects.get()

    page = superuser.get(f"/admin/auth/user/{crowd.owner_id}/delete/").content.decode()

    assert token.digest not in page
    assert crowd.owner.username in page


# --- What the pages link to still works -------------------------------------------------------


@pytest.mark.parametrize("label", ADMINS)
def test_every_link_of_a_list_leads_to_a_list(crowd: InterviewSession, label: str) -> None:
    client = client_of(User.objects.create_superuser("ops", "ops@example.org", "x"))
    page = client.get(list_url(label), {"_facets": "True"}).content.decode()
    links = set(re.findall(r'href="(\?[^"]*)"', page)) | set(
        re.findall(r'href="(/admin/[^"]*\?[^"]*)"', page)
    )

    for link in links:
        address = link.replace("&amp;", "&")
        answer = client.get(address if address.startswith("/") else list_url(label) + address)
        assert answer.status_code == 200, address


# --- Odd values -------------------------------------------------------------------------------


def odd_queries() -> list[tuple[str, str]]:
    """(list, address), the same in every run."""
    chance = random.Random(SEED)
    return [odd_query(chance) for _ in range(NUMBER_OF_QUERIES)]


def odd_query(chance: random.Random) -> tuple[str, str]:
    label = chance.choice(sorted(ADMINS))
    pairs = [
        (odd_name(chance, label), chance.choice(ODD)) for _ in range(chance.choice((1, 1, 1, 2, 3)))
    ]
    if chance.random() < 0.1:
        pairs += [(pairs[0][0], chance.choice(ODD))] * chance.choice((1, 2, 900))
    page = chance.choice(("", "", "", "", "", "", "", "page", "history", "delete"))
    if page:
        odd_id = chance.choice([odd for odd in ODD if odd.strip(" ./") and "\n" not in odd])
        place = urlencode({"": odd_id})[1:].replace("+", "%20")
        return label, f"{list_url(label)}{place}/{page.replace('page', 'change')}/?" + (
            urlencode(pairs[:3])
        )
    return label, f"{list_url(label)}?{urlencode(pairs)}"


def odd_name(chance: random.Random, label: str) -> str:
    each: Any = ADMINS[label]
    column = chance.choice([field.name for field in each.model._meta.fields])
    return chance.choice(
        (
            *([chance.choice(sorted(each.lookups))] * 4 if each.lookups else []),
            *[chance.choice(RESERVED)] * 3,
            column + chance.choice(FORMS),
            f"owner__{chance.choice(('password', 'email', 'id', 'username'))}__startswith",
            f"{column}\0",
            "__",
        )
    )


@pytest.mark.slow
@pytest.mark.parametrize("who", ["admin", "operator", "viewers"])
def test_no_odd_query_is_our_fault(crowd: InterviewSession, who: str) -> None:
    if who == "admin":
        one = client_of(User.objects.create_superuser("ops", "ops@example.org", "x"))
        clients = dict.fromkeys(ADMINS, one)
    elif who == "operator":
        clients = dict.fromkeys(ADMINS, read_only_operator())
    else:
        clients = {label: viewer(label) for label in ADMINS}

    statuses: dict[int, list[str]] = {}
    for label, address in odd_queries():
        statuses.setdefault(clients[label].get(address).status_code, []).append(address[:200])

    assert statuses.keys() <= {200, 302, 400, 403, 404}, statuses.get(500)
    assert sum(map(len, statuses.values())) == NUMBER_OF_QUERIES


def test_an_empty_name_of_a_field_is_no_field(crowd: InterviewSession) -> None:
    client = client_of(User.objects.create_superuser("ops", "ops@example.org", "x"))
    operation = Operation.objects.first()
    assert operation

    for each in (crowd.owner, operation):
        address = f"{list_url(each._meta.label_lower)}{each.pk}/change/"
        assert client.get(f"{address}?_to_field=").status_code == 200


SUGGESTIONS = (
    "/admin/autocomplete/?app_label=operations&model_name=operation&field_name=owner&term="
)


def test_suggestions_know_usernames_only(crowd: InterviewSession) -> None:
    client = viewer("auth.user")

    for word in ("strawberry", "%00", "a" * 600, crowd.owner.email):
        assert client.get(SUGGESTIONS + word).json()["results"] == []


@pytest.mark.parametrize("odd", ["abc", "9" * 40, "%00", "not-a-uuid"])
def test_address_of_an_object_without_a_page_of_its_own_is_not_found(
    crowd: InterviewSession, odd: str
) -> None:
    kinds = ContentType.objects.get_for_models(InterviewSession, User, AuthToken, Operation)
    client = read_only_operator()

    for kind in (*kinds.values(), *ContentType.objects.filter(app_label="sessions")):
        assert client.get(f"/admin/r/{kind.pk}/{odd}/").status_code == 404
