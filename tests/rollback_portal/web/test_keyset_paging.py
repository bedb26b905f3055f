"""Filters and the position in a list are query parameters."""

from __future__ import annotations

import pytest
from django import forms

from rollback_portal.web.keyset_paging import LARGEST_ID, KeysetFilter, before_field


class FruitFilter(KeysetFilter):
    name = forms.CharField(required=False)
    before = before_field("The address is damaged.")


def test_the_next_page_keeps_the_filters() -> None:
    form = FruitFilter({"name": "a pear", "before": "90", "unknown": "x"})
    assert form.older(40) == "name=a+pear&before=40"
    assert form.newest == "name=a+pear"


def test_empty_filters_are_left_out() -> None:
    assert FruitFilter({"name": ""}).newest == ""


@pytest.mark.parametrize("before", ["0", "-1", "x", str(LARGEST_ID + 1)])
def test_a_position_that_cannot_be_is_called_damaged(before: str) -> None:
    assert FruitFilter({"before": before}).errors == {"before": ["The address is damaged."]}


@pytest.mark.parametrize("before", ["", "1", str(LARGEST_ID)])
def test_any_primary_key_is_a_position(before: str) -> None:
    assert FruitFilter({"before": before}).is_valid()
