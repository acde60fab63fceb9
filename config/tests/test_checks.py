from __future__ import annotations

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

EVERYWHERE = "0.0.0.0"  # noqa: S104  (nothing binds to it)


@pytest.mark.parametrize("address", [EVERYWHERE, "::", "192.0.2.1", "2001:db8::1"])
def test_a_development_server_that_others_reach_is_warned_of(
    address: str, settings: Settings
) -> None:
    settings.DEBUG, settings.BIND = True, address

    (warning,) = run_checks(tags=["config"])

    assert warning.id == "config.W001"
    assert "DJANGO_DEBUG is on" in warning.msg
    assert f"BIND={address}" in warning.msg
    assert "BIND=127.0.0.1" in (warning.hint or "")


@pytest.mark.parametrize(
    ("debug", "address"),
    [(True, "127.0.0.1"), (True, "127.0.0.2"), (True, "::1"), (False, EVERYWHERE)],
)
def test_a_server_for_this_machine_or_for_production_is_not(
    debug: bool, address: str, settings: Settings
) -> None:
    settings.DEBUG, settings.BIND = debug, address

    assert run_checks(tags=["config"]) == []
