"""`manage.py person NAME --role ROLE`: add a person, or change their role, name or password."""

from __future__ import annotations

import getpass
import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from rollback_portal.accounts.models import User
from rollback_portal.accounts.roles import role_names
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor, record
from rollback_portal.command import CommandRefused, ConsoleCommand


class Command(ConsoleCommand):
    help = (
        "Create a person, or give an existing one another role, name, address or password. "
        "The password is asked for at a terminal, read from standard input otherwise, "
        "or made up with --make-password."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="NAME", help="what the person signs in with")
        parser.add_argument("--role", choices=role_names(), help="needed for a new person")
        parser.add_argument("--full-name", default="", help='such as "Ana Ruiz"')
        parser.add_argument("--email", default="")
        parser.add_argument("--new-password", action="store_true", help="of an existing person")
        parser.add_argument("--make-password", action="store_true", help="make one up and print it once")
        parser.add_argument("--inactive", action="store_true", help="this person may no longer sign in")

    def handle(self, *args: Any, **options: Any) -> None:
        username: str = options["username"]
        user = User.objects.filter(username=username).first() or User(username=username)
        new = user.pk is None
        if new and not options["role"]:
            roles = ", ".join(role_names())
            raise CommandRefused(f"{username} does not exist yet, so --role is needed: {roles}.")
        if new and options["inactive"]:
            raise CommandRefused(f"{username} does not exist, so nobody can be deactivated.")
        before = {} if new else {"role": user.role, "active": user.is_active}
        apply_options(user, options)
        password = ""
        if new or options["new_password"] or options["make_password"]:
            password = self.choose_password(user, generate=options["make_password"])
            user.set_password(password)
        validate(user)
        with transaction.atomic():
            save(user, options["role"], before)
        self.say(f"{user.display} ({username}) {sign_in_status(user)}.")
        if options["make_password"]:
            self.say(f"Password, shown only now: {password}")

    def choose_password(self, user: User, *, generate: bool) -> str:
        if generate:
            return secrets.token_urlsafe(12)
        try:
            password = read_password(user)
        except (EOFError, UnicodeError):
            raise CommandRefused("No password could be read. Nothing was changed.") from None
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise CommandRefused(f"{' '.join(error.messages)} Nothing was changed.") from None
        return password


def read_password(user: User) -> str:
    if sys.stdin is None:
        raise EOFError  # it was closed
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass(f"Password for {user.username}: ")
    if password != getpass.getpass("The same again: "):
        raise CommandRefused("The two passwords differ. Nothing was changed.")
    return password


def apply_options(user: User, options: dict[str, Any]) -> None:
    if options["full_name"]:
        user.first_name, _, user.last_name = options["full_name"].strip().partition(" ")
    if options["email"]:
        user.email = options["email"]
    user.is_active = not options["inactive"]


def validate(user: User) -> None:
    try:
        user.full_clean()
    except ValidationError as error:
        raise CommandRefused(f"{' '.join(error.messages)} Nothing was changed.") from None


def save(user: User, role: str | None, before: dict[str, Any]) -> None:
    user.save()
    if role:
        user.groups.set(Group.objects.filter(name=role))
    user = User.objects.get(pk=user.pk)  # `role` is cached
    record(
        Actor("the command line", "operator of this machine"),
        "person changed" if before else "person added",
        Outcome.DONE,
        user.display,
        f"{user.display} ({user.username}) {sign_in_status(user)}.",
        before=before,
        after={"role": user.role, "active": user.is_active},
    )


def sign_in_status(user: User) -> str:
    role = User.objects.get(pk=user.pk).role
    return f"can sign in as {role}" if user.is_active else "can no longer sign in"
