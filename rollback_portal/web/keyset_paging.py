"""Lists that go on below the last row shown, by its primary key. Rows written meanwhile move no page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms

LARGEST_ID = 2**63 - 1  # PostgreSQL's bigint


def before_field(damaged: str) -> forms.IntegerField:
    """The field `before`: only rows with a smaller primary key are listed. `damaged` is its error message."""
    return forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST_ID,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), damaged),
    )


class KeysetFilter(forms.Form):
    """A filter form whose fields live in the address; one of them is a `before_field`."""

    @property
    def chosen(self) -> dict[str, Any]:
        """The filters in force, as they were given."""
        names = [name for name in self.fields if name != "before"]
        return {name: self.data[name] for name in names if self.data.get(name)}

    @property
    def newest(self) -> str:
        """The query string of the first page, with the filters in force."""
        return urlencode(self.chosen)

    def older(self, last: int) -> str:
        """The query string of the page that follows the row with the primary key `last`."""
        return urlencode({**self.chosen, "before": last})
