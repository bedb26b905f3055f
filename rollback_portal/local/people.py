"""The people of the sandbox: somebody of each role, and two whom a database rollback needs.

They exist only while both providers are the sandbox. With a real key they cannot sign in.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import Group
from django.db import transaction

from rollback_portal.accounts.models import User
from rollback_portal.processes.data_folder import write_private

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look like another
MAIL = "sandbox.invalid"


@dataclass(frozen=True, slots=True)
class Person:
    username: str
    first_name: str
    last_name: str
    role: str

    @property
    def email(self) -> str:
        return f"{self.username}@{MAIL}"


PEOPLE = (
    Person("vera", "Vera", "Santos", "viewer"),
    Person("ana", "Ana", "Ruiz", "responder"),
    Person("bo", "Bo", "Lind", "responder"),
    Person("dana", "Dana", "Okoro", "database admin"),
    Person("efe", "Efe", "Brandt", "database admin"),
)


def welcome(passwords_file: Path) -> list[dict[str, str]]:
    """Let the sandbox's people in; who they are and their passwords, made once per data folder."""
    known = known_passwords(passwords_file)
    passwords = known or {person.username: new_password() for person in PEOPLE}
    write_private(passwords_file, json.dumps(passwords, indent=1))
    with transaction.atomic():
        for person in PEOPLE:
            let_in(person, passwords[person.username], new_passwords=not known)
    return [
        {
            "username": person.username,
            "password": passwords[person.username],
            "name": f"{person.first_name} {person.last_name}",
            "role": person.role,
        }
        for person in PEOPLE
    ]


def send_away() -> None:
    """Close the doors to the sandbox's people: there is a real provider behind them now."""
    User.objects.filter(email__endswith=f"@{MAIL}").update(is_active=False)


def let_in(person: Person, password: str, *, new_passwords: bool) -> None:
    user, new = User.objects.get_or_create(
        username=person.username,
        defaults={
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
        },
    )
    if user.email != person.email:
        return  # a real person of the same name
    if new or new_passwords:
        user.set_password(password)
    user.is_active = True
    user.save()
    user.groups.set(Group.objects.filter(name=person.role))


def known_passwords(path: Path) -> dict[str, str]:
    """Those of an earlier start; empty where there was none, or where one is missing."""
    try:
        known = json.loads(path.read_text())
        return {person.username: str(known[person.username]) for person in PEOPLE}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def new_password() -> str:
    """Sixty random bits, in three groups that can be typed from another screen."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))
