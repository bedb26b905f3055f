"""The people who can sign in to a sandbox: each role at least once, and two who can approve each other's SQL.

They are active only while both providers are played by the sandbox, never with a real key.
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

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are easily confused
MAIL = "sandbox.invalid"


@dataclass(frozen=True, slots=True)
class SandboxPerson:
    username: str
    first_name: str
    last_name: str
    role: str

    @property
    def email(self) -> str:
        return f"{self.username}@{MAIL}"


PEOPLE = (
    SandboxPerson("vera", "Vera", "Santos", "viewer"),
    SandboxPerson("ana", "Ana", "Ruiz", "responder"),
    SandboxPerson("bo", "Bo", "Lind", "responder"),
    SandboxPerson("dana", "Dana", "Okoro", "database admin"),
    SandboxPerson("efe", "Efe", "Brandt", "database admin"),
)


def activate(passwords_file: Path) -> list[dict[str, str]]:
    """Let the sandbox's people sign in; returns their names and passwords, made once per data folder."""
    known = known_passwords(passwords_file)
    passwords = known or {person.username: new_password() for person in PEOPLE}
    write_private(passwords_file, json.dumps(passwords, indent=1))
    with transaction.atomic():
        for person in PEOPLE:
            _activate_one(person, passwords[person.username], new_passwords=not known)
    return [
        {
            "username": person.username,
            "password": passwords[person.username],
            "name": f"{person.first_name} {person.last_name}",
            "role": person.role,
        }
        for person in PEOPLE
    ]


def deactivate() -> None:
    """Keep the sandbox's people out, because a provider is real now."""
    User.objects.filter(email__endswith=f"@{MAIL}").update(is_active=False)


def _activate_one(person: SandboxPerson, password: str, *, new_passwords: bool) -> None:
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
    """The passwords of an earlier start; empty if there is none, or if one is missing."""
    try:
        known = json.loads(path.read_text())
        return {person.username: str(known[person.username]) for person in PEOPLE}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def new_password() -> str:
    """About 60 random bits in three groups, easy to type."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))
