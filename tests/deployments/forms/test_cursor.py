"""The cursor of a list of deployments, as it is in the address."""

from __future__ import annotations

import pytest

from deployments.forms.cursor import Cursor
from tests import factories


def test_a_cursor_survives_its_address() -> None:
    cursor = Cursor(factories.ago(days=400), 17, (4, 5))
    assert Cursor.read(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    ["", "1", "a.b", "1.2.x", "-1.2", "1..2", "9" * 40 + ".1", "1." + "9" * 30, "1.2" + ".3" * 2_000, "١.٢"],
)
def test_an_address_that_names_no_place_is_no_cursor(text: str) -> None:
    assert Cursor.read(text) is None
