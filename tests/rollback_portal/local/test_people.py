"""The sandbox's people: active only while no provider is real."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.contrib.auth import authenticate

from rollback_portal.accounts.models import User
from rollback_portal.local import people

pytestmark = pytest.mark.django_db


def signs_in(person: dict[str, str]) -> bool:
    return authenticate(username=person["username"], password=person["password"]) is not None


def test_one_of_each_role_can_sign_in_with_the_same_password_at_every_start(tmp_path: Path) -> None:
    first = people.activate(tmp_path / "people.json")
    assert {person["role"] for person in first} == {"viewer", "responder", "database admin"}
    assert [User.objects.get(username=person["username"]).role for person in first] == [
        person["role"] for person in first
    ]
    assert all(map(signs_in, first))
    assert len({person["password"] for person in first}) == len(first)
    assert people.activate(tmp_path / "people.json") == first
    assert stat.S_IMODE((tmp_path / "people.json").stat().st_mode) == 0o600


def test_with_a_real_provider_they_cannot_sign_in(tmp_path: Path) -> None:
    known = people.activate(tmp_path / "people.json")
    people.deactivate()
    assert not any(map(signs_in, known))
    people.activate(tmp_path / "people.json")
    assert all(map(signs_in, known))


def test_a_real_person_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    real = User.objects.create_user("ana", "ana@example.com", "a password of her own")
    people.activate(tmp_path / "people.json")
    people.deactivate()
    real = User.objects.get(username="ana")
    assert real.is_active
    assert real.role == "no role"
    assert authenticate(username="ana", password="a password of her own") == real


def test_passwords_that_were_lost_are_made_anew(tmp_path: Path) -> None:
    people.activate(tmp_path / "people.json")
    (tmp_path / "people.json").write_text("not JSON")
    assert all(map(signs_in, people.activate(tmp_path / "people.json")))
