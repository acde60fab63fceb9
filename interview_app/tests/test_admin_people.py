"""People and sessions in the admin: what they have going on, export, deletion, who looked."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from interview_app.models import InterviewSession
from interview_app.tests.factories import InterviewSessionFactory
from operations.models import ContentView, Operation
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db

USERS = "/admin/auth/user/"
SESSIONS = "/admin/interview_app/interviewsession/"


@pytest.fixture
def superuser(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ops", "ops@example.org", "x"))
    return client


def make_busy_person(username: str) -> User:
    person: User = UserFactory(username=username, email=f"{username}@secret.example.org")
    session = InterviewSessionFactory(owner=person)
    OperationFactory.create_batch(2, failed=True, owner=person)
    OperationFactory(owner=person, session_id=session.pk)
    return person


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    return len(captured)


def test_list_of_people_counts_what_they_have_going_on(superuser: Client) -> None:
    person = make_busy_person("mara")

    page = superuser.get(USERS, {"q": "mara"})

    (row,) = page.context["cl"].result_list
    assert (row.session_count, row.unfinished_count, row.failure_count) == (1, 1, 2)
    assert f"?owner__exact={person.pk}&amp;state=failed" in page.content.decode()


def test_page_of_a_person_leads_to_their_sessions_and_operations(superuser: Client) -> None:
    person = make_busy_person("mara")
    session = InterviewSession.objects.get(owner=person)
    InterviewSession.objects.update(role="strawberry", resume_text="strawberry")

    page = superuser.get(f"{USERS}{person.pk}/change/").content.decode()

    assert f"{SESSIONS}{session.pk}/change/" in page
    assert f"/admin/operations/operation/?owner__exact={person.pk}" in page
    assert "strawberry" not in page


def test_person_is_still_changed_on_their_page(superuser: Client) -> None:
    person = make_busy_person("mara")
    form = superuser.get(f"{USERS}{person.pk}/change/").context["adminform"].form
    sent = {name: value for name, value in form.initial.items() if value not in (None, False)}
    joined = f"{person.date_joined:%Y-%m-%d %H:%M:%S}".split()
    dates = dict(zip(("date_joined_0", "date_joined_1"), joined, strict=True))
    inline = {"interview_sessions-TOTAL_FORMS": "0", "interview_sessions-INITIAL_FORMS": "0"}

    response = superuser.post(
        f"{USERS}{person.pk}/change/", sent | dates | inline | {"first_name": "Mara", "groups": []}
    )

    assert response.status_code == 302
    person.refresh_from_db()
    assert person.first_name == "Mara"
    assert person.check_password("correct horse")
    assert InterviewSession.objects.filter(owner=person).exists()


def plain_staff(*permissions: str) -> User:
    person: User = UserFactory(is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return person


def with_hash(password_hash: str) -> User:
    person: User = UserFactory()
    User.objects.filter(pk=person.pk).update(password=password_hash)
    return person


@pytest.mark.parametrize(
    ("permissions", "may_set_one"), [(("view_user",), False), (("view_user", "change_user"), True)]
)
def test_page_of_a_person_shows_no_part_of_a_password_hash(
    permissions: tuple[str, ...], may_set_one: bool, client: Client
) -> None:
    person = with_hash("md5$saltOfTheirs$hashOfTheirs0123456789")
    client.force_login(plain_staff(*permissions))

    page = client.get(f"{USERS}{person.pk}/change/").content.decode()

    for part in ("algorithm", "md5", "saltOf", "hashOf", "****"):
        assert part not in page
    assert (f"{USERS}{person.pk}/password/" in page) is may_set_one


def test_page_of_a_person_tells_whether_there_is_a_password(superuser: Client) -> None:
    for person, word in ((UserFactory(), "Set."), (with_hash("!"), "None.")):
        page = superuser.get(f"{USERS}{person.pk}/change/").content.decode()

        assert f'{word} <a class="button" href="{USERS}{person.pk}/password/">' in page


def test_who_may_change_people_sets_a_new_password(superuser: Client) -> None:
    person = UserFactory()
    new = {"password1": "a-mule-in-the-rain", "password2": "a-mule-in-the-rain"}

    superuser.post(f"{USERS}{person.pk}/password/", {**new, "usable_password": "true"})

    person.refresh_from_db()
    assert person.check_password("a-mule-in-the-rain")


def test_no_list_shows_an_address(superuser: Client) -> None:
    make_busy_person("mara")

    for path in (USERS, SESSIONS, "/admin/operations/operation/"):
        assert "secret.example.org" not in superuser.get(path).content.decode()


def test_list_of_people_asks_equally_often_for_1_and_for_10(superuser: Client) -> None:
    make_busy_person("mara")
    superuser.get(USERS)
    few = queries(superuser, USERS)
    for number in range(9):
        make_busy_person(f"person{number}")

    assert queries(superuser, USERS) == few


@pytest.mark.parametrize("by_action", [False, True])
def test_person_is_deleted_with_all_below_and_their_calls_stop(
    superuser: Client, by_action: bool
) -> None:
    person = make_busy_person("mara")
    running = Operation.objects.get(owner=person, status=Operation.Status.PENDING)

    if by_action:
        data = {"action": "delete_selected", "_selected_action": [person.pk], "post": "yes"}
        superuser.post(USERS, data)
    else:
        superuser.post(f"{USERS}{person.pk}/delete/", {"post": "yes"})

    assert not User.objects.filter(pk=person.pk).exists()
    assert not InterviewSession.objects.exists()
    running.refresh_from_db()
    assert running.status == Operation.Status.CANCELLED


def test_export_has_numbers_and_no_words(superuser: Client) -> None:
    owner = UserFactory(username="@formula")
    sessions = InterviewSessionFactory.create_batch(2, owner=owner, role="strawberry")
    data = {"action": "export_selected", "_selected_action": [each.pk for each in sessions]}

    text = superuser.post(SESSIONS, data).content.decode()
    rows = list(csv.DictReader(StringIO(text)))

    assert {row["id"] for row in rows} == {str(each.pk) for each in sessions}
    assert {row["owner__username"] for row in rows} == {"'@formula"}
    assert "strawberry" not in text


def test_looking_at_content_is_kept(superuser: Client) -> None:
    session = InterviewSessionFactory()

    superuser.get(f"{SESSIONS}{session.pk}/change/")

    look = ContentView.objects.get()
    assert look.actor == User.objects.get(username="ops")
    assert (look.subject_type, look.subject_id) == ("interviewsession", str(session.pk))


def test_page_without_content_is_no_look(superuser: Client) -> None:
    superuser.get(SESSIONS)

    assert not ContentView.objects.exists()


def test_operation_leads_to_its_session(superuser: Client) -> None:
    session = InterviewSessionFactory()
    operation = OperationFactory(failed=True, session_id=session.pk)

    page = superuser.get(f"/admin/operations/operation/{operation.pk}/change/")

    assert f"{SESSIONS}{session.pk}/change/" in page.content.decode()
