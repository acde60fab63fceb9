"""The console under our name, with a way to the document about each of its screens."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from operations.documents import document_names, document_url, folder, parts
from operations.errors import Category
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db

MODELS = list(admin.site._registry)


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(UserFactory(username="root", is_staff=True, is_superuser=True))
    return client


def listed_at(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def anchors(name: str) -> set[str]:
    return {part.anchor for part in parts((folder() / f"{name}.md").read_text("utf-8"))}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_each_screen_leads_to_a_section_that_is_there(model: type[Model], root: Client) -> None:
    page = root.get(listed_at(model)).text

    found = re.search(r'href="/admin/docs/([\w-]+)/(?:#([\w-]+))?">Documentation<', page)
    assert found, "no link"
    assert not found[2] or found[2] in anchors(found[1]), found[0]


@pytest.mark.parametrize("category", Category)
def test_a_failure_leads_to_what_it_means(category: Category, root: Client) -> None:
    assert category.value in anchors("errors")


def test_the_page_of_a_failure_has_that_link(root: Client) -> None:
    operation = OperationFactory(failed=True)

    page = root.get(f"/admin/operations/operation/{operation.pk}/change/").text

    assert f'href="/admin/docs/errors/#{operation.error_category}"' in page


@pytest.mark.parametrize("name", document_names())
def test_every_document_can_be_read(name: str, root: Client) -> None:
    page = root.get(f"/admin/docs/{name}/")

    assert page.status_code == 200
    ids = re.findall(r'<section id="([^"]*)"', page.text)
    assert len(ids) == len(set(ids)), "an anchor leads to two places"


def test_lines_of_code_are_no_headings() -> None:
    first, second = parts("# One\n```\n# a comment\n```\n![A picture](a.png)\n## `Two`\nEnd.")

    assert (first.title, first.text) == ("One", "```\n# a comment\n```")
    assert (second.title, second.anchor, second.text) == ("Two", "two", "End.")


@pytest.mark.parametrize("name", ["nothing", "README", "decisions"])
def test_no_other_file_is_shown(name: str, root: Client) -> None:
    assert root.get(f"/admin/docs/{name}/").status_code == 404
    assert document_url(f"{name}#here") == ""


def test_documents_are_for_staff(client: Client, alice: User) -> None:
    client.force_login(alice)

    assert client.get("/admin/docs/operating/")["Location"].startswith("/admin/login/")


def test_the_console_wears_our_name_and_words(root: Client) -> None:
    page = root.get("/admin/").text

    assert "Django" not in page
    assert "<title>Console | Interview practice</title>" in page
    headings = [each.strip() for each in re.findall(r'class="section"[^>]*>([^<]+)</a>', page)]
    assert {"Interview practice", "Operations"} <= set(headings)
    assert not {"Interview_App", "INTERVIEW_APP"} & set(headings)
