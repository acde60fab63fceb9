"""However many passwords come at once, one is hashed, one waits, and the others are told."""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from interview_app import hashing
from interview_app.hashing import OneAtATime
from interview_app.refusals import HashingBusy
from operations.models import Limit
from operations.tests.factories import UserFactory

ROUNDS = 2000


class Held(PBKDF2PasswordHasher):
    """Hashes no further than until it is let go."""

    entered = threading.Semaphore(0)
    go = threading.Event()
    niceness: list[int] = []

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        Held.niceness.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        Held.entered.release()
        assert Held.go.wait(10)
        return "done"


class HeldInTurn(OneAtATime, Held):
    pass


def test_hashes_are_django_s_own(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["interview_app.hashing.OneAtATime"]
    theirs = PBKDF2PasswordHasher().encode("three green bicycles", "salt", ROUNDS)

    assert OneAtATime().encode("three green bicycles", "salt", ROUNDS) == theirs
    assert check_password("three green bicycles", theirs)


def test_one_is_hashed_one_waits_and_the_third_is_told() -> None:
    Held.go.clear()
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(HeldInTurn().encode, "a", "salt") for _ in range(2)]
        assert Held.entered.acquire(timeout=10)
        while hashing._places._value:
            pass

        with pytest.raises(HashingBusy):
            HeldInTurn().encode("b", "salt")
        assert not Held.entered.acquire(timeout=0.2)
        Held.go.set()

        assert [each.result(10) for each in both] == ["done", "done"]
    assert HeldInTurn().encode("c", "salt") == "done"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a niceness for each thread")
def test_hashing_stands_back_behind_requests() -> None:
    Held.go.set()
    HeldInTurn().encode("a", "salt")

    assert Held.niceness[-1] == hashing.HASHING_NICENESS
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == 0


class Busy(PBKDF2PasswordHasher):
    algorithm = "busy"

    def encode(self, *arguments: Any, **options: Any) -> str:
        raise HashingBusy


@pytest.mark.django_db
@pytest.mark.parametrize("door", ["login", "admin:login", "api-login"])
def test_who_comes_while_it_is_busy_is_told_when_and_loses_no_try(
    settings: Settings, door: str
) -> None:
    settings.API_THROTTLES = True
    UserFactory(username="mara")
    settings.PASSWORD_HASHERS = [f"{__name__}.Busy", *settings.PASSWORD_HASHERS]

    guess = {"username": "nobody", "password": "three"}
    if door == "api-login":
        answer = Client().post(reverse(door), guess, content_type="application/json")
    else:
        answer = Client().post(reverse(door), guess)

    assert answer.status_code == 503
    assert answer["Retry-After"] == "2"
    assert "Many people are signing in just now" in answer.content.decode()
    counted = Limit.objects.filter(rule__in=("sign_in", "sign_in_account"))
    assert len(counted) == 2
    assert not counted.filter(used_until__gt=time.time() + 1)
