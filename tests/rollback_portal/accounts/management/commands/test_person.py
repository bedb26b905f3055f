"""`manage.py person`: adding people and changing them, with an audit entry."""

from __future__ import annotations

import io

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from tests.support.database_away import postgresql_away

pytestmark = pytest.mark.django_db


def person(*arguments: str) -> str:
    out = io.StringIO()
    call_command("person", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments: str) -> str:
    """What a refused command says; it ends with 2."""
    said = io.StringIO()
    with pytest.raises((SystemExit, CommandError)) as ended:
        call_command("person", *arguments, stderr=said)
    if isinstance(ended.value, SystemExit):
        assert ended.value.code == 2
    return said.getvalue() or str(ended.value)


def test_a_new_person_gets_a_role_and_a_password_that_is_shown_once() -> None:
    output = person("ana", "--role", "responder", "--full-name", "Ana Ruiz", "--make-password")
    assert "Ana Ruiz (ana) can sign in as responder." in output
    password = output.split("shown only now: ")[1].strip()
    assert authenticate(username="ana", password=password) == User.objects.get(username="ana")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject) == ("person added", "Ana Ruiz")
    assert password not in entry.message + str(entry.after)


def test_the_password_can_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a long sentence nobody guesses\n"))
    person("ana", "--role", "viewer")
    assert authenticate(username="ana", password="a long sentence nobody guesses")


@pytest.mark.parametrize("weak", ["", "short", "password123"])
def test_a_weak_password_is_refused_and_nobody_is_added(monkeypatch: pytest.MonkeyPatch, weak: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(weak + "\n"))
    assert "Nothing was changed." in refused("ana", "--role", "viewer")
    assert not User.objects.exists()
    assert not AuditEntry.objects.exists()


def test_another_role_keeps_the_password_and_is_recorded_with_what_was_before() -> None:
    output = person("ana", "--role", "viewer", "--make-password")
    password = output.split("shown only now: ")[1].strip()
    person("ana", "--role", "database admin")
    assert User.objects.get(username="ana").role == "database admin"
    assert authenticate(username="ana", password=password)
    entry = AuditEntry.objects.first()
    assert entry is not None
    assert entry.before == {"role": "viewer", "active": True}
    assert entry.after == {"role": "database admin", "active": True}


def test_an_inactive_person_can_no_longer_sign_in() -> None:
    password = person("ana", "--role", "viewer", "--make-password").split("shown only now: ")[1].strip()
    assert "can no longer sign in" in person("ana", "--inactive")
    assert authenticate(username="ana", password=password) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ana"], "ana does not exist yet, so --role is needed: viewer, responder, database admin."),
        (["ana", "--role", "viewer", "--inactive"], "ana does not exist, so nobody can be deactivated."),
        (["a na", "--role", "viewer", "--make-password"], "Enter a valid username."),
        (
            ["ana", "--role", "viewer", "--make-password", "--email", "nonsense"],
            "Enter a valid email address.",
        ),
        (["an\udce4", "--role", "viewer", "--make-password"], "Enter a valid username."),
        (["ana", "--role", "king"], "invalid choice: 'king'"),
    ],
)
def test_wrong_arguments_are_refused_with_a_message(arguments: list[str], message: str) -> None:
    assert message in refused(*arguments)
    assert not User.objects.exists()


class Terminal(io.StringIO):
    """Somebody at a terminal."""

    def isatty(self) -> bool:
        return True


def test_ctrl_d_at_the_password_is_refused_and_nobody_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", ended)
    assert "No password could be read. Nothing was changed." in refused("ana", "--role", "viewer")
    assert not User.objects.exists()


def test_a_closed_standard_input_is_refused_and_nobody_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert "No password could be read. Nothing was changed." in refused("ana", "--role", "viewer")
    assert not User.objects.exists()


def test_a_password_that_is_no_utf8_is_refused_and_nobody_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    latin = io.TextIOWrapper(io.BytesIO("ein länger Satz".encode("latin-1")), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", latin)
    assert "No password could be read. Nothing was changed." in refused("ana", "--role", "viewer")
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_without_postgresql_it_ends_with_5() -> None:
    said = io.StringIO()
    with postgresql_away(), pytest.raises(SystemExit) as ended:
        call_command("person", "ana", "--role", "viewer", "--make-password", stderr=said)
    assert ended.value.code == 5
    assert "Nothing was started" in said.getvalue()
