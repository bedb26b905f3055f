"""What people enter is saved in full and without dangerous characters, or refused with a message."""

from __future__ import annotations

import pytest

from deployments.forms.confirm import ConfirmForm
from deployments.models import OperationKind


def filled(kind: OperationKind = OperationKind.ROLL_BACK, **fields: str) -> ConfirmForm:
    return ConfirmForm({"reason": "errors", **fields}, kind=kind)


def complaint(form: ConfirmForm, field: str) -> str:
    return " ".join(str(error) for error in form.errors.get(field, []))


def test_a_reason_and_words_and_an_incident_are_taken_as_typed() -> None:
    form = filled(words="  500s on checkout\r\nsince 13:51 ", incident=" INC-412 ")
    assert form.is_valid()
    assert form.cleaned_data == {
        "reason": "errors",
        "words": "500s on checkout\nsince 13:51",
        "incident": "INC-412",
        "since": None,
        "cancel_builds_first": False,
        "marks_bad": False,
        "again": False,
    }


@pytest.mark.parametrize("kind", [OperationKind.ROLL_BACK, OperationKind.PROMOTE])
def test_an_operation_needs_one_of_the_four_reasons(kind: OperationKind) -> None:
    assert complaint(filled(kind, reason=""), "reason") == "Choose the reason. Nothing was started."
    assert "“boredom” is not one of the four reasons" in complaint(filled(kind, reason="boredom"), "reason")


def test_a_rollback_may_be_left_without_a_reason() -> None:
    assert filled(OperationKind.LEAVE, reason="").is_valid()


def test_a_reason_of_100_kb_is_refused_and_kept() -> None:
    form = filled(words="x" * 100_000, incident="INC-412")
    assert not form.is_valid()
    assert "The reason is 100,000 characters long and 2,000 fit." in complaint(form, "words")
    assert form["words"].value() == "x" * 100_000
    assert form["incident"].value() == "INC-412"


def test_two_thousand_characters_just_fit() -> None:
    assert filled(words="é" * 2_000).is_valid()
    assert not filled(words="é" * 2_001).is_valid()


def test_an_incident_reference_has_at_most_100_characters() -> None:
    assert filled(incident="I" * 100).is_valid()
    assert "The incident reference is 101 characters long" in complaint(
        filled(incident="I" * 101), "incident"
    )


def test_characters_that_hide_or_turn_text_around_are_taken_out() -> None:
    form = filled(words="all\x00 \x1b[31mred\u202e backwards\u200b\x07\nnext", incident="INC\x00-4\u20281")
    assert form.is_valid()
    assert form.cleaned_data["words"] == "all [31mred backwards\nnext"
    assert form.cleaned_data["incident"] == "INC-4 1"
