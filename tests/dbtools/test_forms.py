"""What the wizard's forms take from a request, and what they refuse."""

from __future__ import annotations

import inspect

import pytest
from django.http import QueryDict

from dbtools import forms
from dbtools.views.actions import ACTIONS
from rollback_portal.accounts.models import User
from tests.dbtools import rollback_rows
from tests.dbtools.views.wizard_client import ClientAs, press, reloaded
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("commit", ["", "abc", "main", "a" * 41, "../../etc"])
def test_a_commit_has_7_to_40_hexadecimal_characters(commit: str, dana: User, client_as: ClientAs) -> None:
    row = rollback_rows.rollback(dana)
    words = {"reason": "Data is being lost", "understood": "yes", "source": "commit", "commit": commit}
    assert "7 to 40 of the characters" in text(press(client_as(dana), row, "need", **words))
    assert reloaded(row).status == "deciding"


def test_line_breaks_of_browsers_become_those_that_were_typed(dana: User, client_as: ClientAs) -> None:
    row = rollback_rows.rollback(dana, "writing")
    press(client_as(dana), row, "sql", sql="SELECT 1\r\n  + 1;\r\n", seen="")
    assert reloaded(row).sql == "SELECT 1\n  + 1;\n"


@pytest.mark.parametrize("name", list(ACTIONS))
def test_the_values_of_each_form_are_the_arguments_of_its_action(name: str, dana: User) -> None:
    action, row = ACTIONS[name], rollback_rows.rollback(dana, "writing")
    data = QueryDict(mutable=True)
    data.update({"reason": "Data is being lost", "understood": "yes", "source": "live", "seen": ""})
    if "release" in action.form.base_fields:
        data["release"] = str(rollback_rows.release(row, dana).pk)
    form = action.form(data, row)
    assert form.is_valid(), form.errors
    inspect.signature(action.perform).bind(None, None, **form.values)


def test_what_is_too_long_is_cut_and_what_is_no_number_is_ignored(dana: User) -> None:
    data = QueryDict(mutable=True)
    data.setlist("ticked", ["2", "x", "²", "9" * 99])
    data["seen"], data["reason"] = "é", "x" * 3000
    row = rollback_rows.rollback(dana, "writing")
    approval, decline = forms.ApprovalForm(data, row), forms.ReasonForm(data, row)
    assert approval.is_valid()
    assert decline.is_valid()
    assert approval.values == {"seen": "?", "acknowledged_losses": [2]}
    assert len(decline.values["reason"]) == forms.LONGEST_TEXT
