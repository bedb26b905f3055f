"""The shape of what a rehearsal has changed, as it is stored and read again by the run."""

from __future__ import annotations

from typing import TypedDict


class StoredTouch(TypedDict):
    """`dbtools.postgres.state.TouchedPart`."""

    kind: str
    before: str
    after: str


class StoredChange(TypedDict):
    """`dbtools.postgres.state.SchemaChange`: what the rehearsal changed, and in whose words."""

    major: int
    touched: dict[str, StoredTouch]
    words: dict[str, str]
