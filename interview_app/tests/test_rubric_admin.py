"""Rubrics in the admin: written, never edited, put into use and out of it, by who may."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from interview_app.models import RubricVersion
from interview_app.rubric import BEHAVIOURAL
from interview_app.rubric_rules import LANGUAGES, PARTS
from interview_app.tests.factories import RubricVersionFactory, own_criteria
from operations.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

LIST = reverse("admin:interview_app_rubricversion_changelist")
ADD = reverse("admin:interview_app_rubricversion_add")


def page_of(rubric: RubricVersion, page: str = "change") -> str:
    return reverse(f"admin:interview_app_rubricversion_{page}", args=(rubric.pk,))


def client_with(*codenames: str) -> Client:
    person: User = UserFactory(is_staff=True)
    permissions = [f"{each}_rubricversion" for each in codenames]
    person.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(person)
    return client


def form(*keys: str, languages: tuple[str, ...] = ("en", "de"), **values: Any) -> dict[str, Any]:
    """What the browser sends of the filled-in form."""
    sent = {"slug": "billing", "question_type": "technical"}
    for position, criterion in enumerate(own_criteria(*keys, languages=languages), start=1):
        texts: Any = criterion["texts"]
        sent[f"criterion_{position}_key"] = str(criterion["key"])
        for language, parts in texts.items():
            for part, text in parts.items():
                sent[f"criterion_{position}_{part}_{language}"] = text
    return sent | values


def errors(client: Client, sent: dict[str, Any]) -> dict[str, list[str]]:
    answer = client.post(ADD, sent)
    assert answer.status_code == 200, "it was saved"
    found: dict[str, list[str]] = answer.context["adminform"].form.errors
    for messages in found.values():
        for message in messages:
            assert html.escape(message) in answer.text
    return found


def do(client: Client, action: str, *rubrics: RubricVersion) -> Any:
    sent = {"action": action, "_selected_action": [each.pk for each in rubrics]}
    return client.post(LIST, sent, follow=True)


# --- Written ------------------------------------------------------------------------------------


def test_a_rubric_is_written_in_the_form() -> None:
    client = client_with("add", "view")

    client.post(ADD, form("safety", "cost"))

    rubric = RubricVersion.objects.get()
    assert (rubric.version, rubric.question_type, rubric.in_use) == (
        "billing-1",
        "technical",
        False,
    )
    assert rubric.criteria == own_criteria("safety", "cost")
    assert rubric.created_by is not None
    assert rubric.created_by.pk == int(client.session["_auth_user_id"])


def test_one_language_is_enough_and_blocks_may_be_left_out() -> None:
    sent = form("safety", "cost", "handover", languages=("de",))
    for part in PARTS:
        sent[f"criterion_2_{part}_de"] = " "
    sent["criterion_2_key"] = ""

    client_with("add").post(ADD, sent)

    assert RubricVersion.objects.get().criteria == own_criteria(
        "safety", "handover", languages=("de",)
    )


def test_a_text_of_many_lines_becomes_one() -> None:
    client_with("add").post(ADD, form("safety", "cost", criterion_1_low_en="none\r\n5 = \tgiven"))

    assert RubricVersion.objects.get().criteria[0]["texts"]["en"]["low"] == "none 5 = given"


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "too few": (form("safety"), "__all__", "2 to 8 criteria"),
    "no texts": (
        form("safety", "cost", languages=()),
        "__all__",
        "Fill in all texts in English, in German, or in both.",
    ),
    "a key twice": (
        form("safety", "cost", criterion_2_key="safety"),
        "criterion_2_key",
        "Another criterion has this key.",
    ),
    "no key": (form("safety", "cost", criterion_2_key=""), "criterion_2_key", "small letters"),
    "a key of words": (
        form("safety", "cost", criterion_2_key="The cost"),
        "criterion_2_key",
        "small letters",
    ),
    "an anchor missing": (
        form("safety", "cost", criterion_1_middle_de=""),
        "criterion_1_middle_de",
        "Say what a 3 is here too, or leave out German in all criteria.",
    ),
    "a name twice": (
        form("safety", "cost", criterion_2_name_en="SAFETY, name (en)"),
        "criterion_2_name_en",
        "Another criterion has this name.",
    ),
    "too long": (
        form("safety", "cost", criterion_2_high_en="x" * 301),
        "criterion_2_high_en",
        "at most 300 characters",
    ),
    "an unseen character": (
        form("safety", "cost", criterion_2_high_en="well\u202edone"),
        "criterion_2_high_en",
        "control characters",
    ),
    "a built-in name": (form("safety", "cost", slug="technical"), "slug", "comes with the product"),
    "a name with capitals": (form("safety", "cost", slug="Billing"), "slug", "small letters"),
    "mixed": (form("safety", "cost", question_type="mixed"), "question_type", "valid choice"),
}


@pytest.mark.parametrize(("sent", "field", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_wrong_is_said_beside_its_field(
    sent: dict[str, Any], field: str, message: str
) -> None:
    found = errors(client_with("add"), sent)

    assert list(found) == [field]
    assert message in " ".join(found[field])
    assert not RubricVersion.objects.exists()


def test_a_name_of_other_questions_is_refused_in_words() -> None:
    RubricVersionFactory(slug="billing", question_type="behavioral")

    found = errors(client_with("add"), form("safety", "cost"))

    assert found["question_type"] == ["The versions of this name judge answers to other questions."]


def test_the_form_says_that_the_ai_obeys_it() -> None:
    assert "sent to the AI with each answer, as an instruction" in client_with("add").get(ADD).text


# --- A new version ------------------------------------------------------------------------------


def initial(client: Client, origin: object) -> dict[str, Any]:
    values: dict[str, Any] = client.get(f"{ADD}?from={origin}").context["adminform"].form.initial
    return values


def test_a_new_version_begins_with_the_old_one_and_leaves_it_alone() -> None:
    client = client_with("add", "view")
    client.post(ADD, form("safety", "cost"))
    old = RubricVersion.objects.get()
    assert f'href="{ADD}?from={old.pk}"' in client.get(page_of(old)).text

    prefilled = initial(client, old.pk)
    client.post(ADD, prefilled | {"criterion_1_high_en": "always"})

    assert prefilled == form("safety", "cost")
    new = RubricVersion.objects.get(number=2)
    assert new.version == "billing-2"
    assert new.criteria[0]["texts"]["en"]["high"] == "always"
    assert RubricVersion.objects.get(number=1).criteria == own_criteria("safety", "cost")


def test_a_rubric_may_begin_with_one_that_comes_with_the_product() -> None:
    client = client_with("add", "view")
    assert f'href="{ADD}?from=behavioural-1"' in client.get(LIST).text

    prefilled = initial(client, "behavioural-1")

    assert prefilled["question_type"] == "behavioral"
    assert prefilled["criterion_2_key"] == "situation"
    assert prefilled["criterion_2_name_en"] == "Situation and task"
    assert prefilled["criterion_2_high_en"] == BEHAVIOURAL.criteria[1].high


@pytest.mark.parametrize("origin", ["", "0", "99999999999999999999", "%00", "nothing"])
def test_a_new_version_of_nothing_is_an_empty_form(origin: str) -> None:
    assert initial(client_with("add"), origin) == {}


# --- Never edited -------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["admin", "all permissions"])
def test_nobody_edits_a_version(who: str) -> None:
    rubric = RubricVersionFactory()
    client = client_with("add", "view", "change", "delete")
    if who == "admin":
        client.force_login(UserFactory(is_staff=True, is_superuser=True))

    page = client.get(page_of(rubric))
    answer = client.post(page_of(rubric), form("other", "another"))

    assert 'name="_save"' not in page.text
    assert "Handover, middle (de)" in page.text
    assert answer.status_code == 403
    assert RubricVersion.objects.get().criteria == rubric.criteria


def test_only_a_version_that_was_never_in_use_is_deleted() -> None:
    client = client_with("view", "delete")
    used, unused = RubricVersionFactory(used=True), RubricVersionFactory()

    for each in (used, unused):
        client.post(page_of(each, "delete"), {"post": "yes"})
    assert list(RubricVersion.objects.all()) == [used]

    sent = {"action": "delete_selected", "_selected_action": [used.pk], "post": "yes"}
    assert client.post(LIST, sent).status_code == 403
    assert list(RubricVersion.objects.all()) == [used]


# --- In use -------------------------------------------------------------------------------------


def test_a_version_is_put_into_use_and_out_of_it() -> None:
    client = client_with("view", "change")
    first, second = RubricVersionFactory(now_in_use=True), RubricVersionFactory()
    assert 'value="use">Put into use' in client.get(page_of(second)).text

    page = do(client, "use", second).text

    assert f"In use: {second} judges new answers to technical questions." in page
    assert list(RubricVersion.objects.filter(in_use=True)) == [second]
    assert 'value="stop_using">Take out of use' in client.get(page_of(second)).text

    do(client, "stop_using", second)

    assert not RubricVersion.objects.filter(in_use=True).exists()
    told = LogEntry.objects.order_by("pk").values_list("object_repr", "change_message")
    assert list(told) == [(str(second), "Put into use."), (str(second), "Taken out of use.")]
    assert first.first_used_at == RubricVersion.objects.get(pk=first.pk).first_used_at


def test_of_two_for_the_same_questions_none_is_put_into_use() -> None:
    first, second = RubricVersionFactory(), RubricVersionFactory()

    page = do(client_with("view", "change"), "use", first, second).text

    assert "Choose one rubric for each type of question." in page
    assert not RubricVersion.objects.filter(in_use=True).exists()


def test_without_the_permission_nothing_is_put_into_use() -> None:
    rubric = RubricVersionFactory()
    client = client_with("view", "add", "delete")

    do(client, "use", rubric)

    assert not RubricVersion.objects.filter(in_use=True).exists()
    assert 'value="use"' not in client.get(page_of(rubric)).text + client.get(LIST).text


@pytest.mark.parametrize("group", ["Operators (read only)", "Operators (may repair)"])
def test_operators_see_rubrics_and_make_none(group: str) -> None:
    operator = UserFactory(is_staff=True)
    operator.groups.add(Group.objects.get(name=group))
    rubric = RubricVersionFactory()
    client = Client()
    client.force_login(operator)

    assert client.get(page_of(rubric)).status_code == 200
    assert client.get(ADD).status_code == 403
    assert "?from=" not in client.get(page_of(rubric)).text + client.get(LIST).text


def test_each_text_has_a_field_in_each_language() -> None:
    page = client_with("add").get(ADD).text

    for part in PARTS:
        for language in LANGUAGES:
            assert f'name="criterion_8_{part}_{language}"' in page
