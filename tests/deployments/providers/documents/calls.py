"""Every call that the clients make: what they send, which fields they read, and what a missing field means.

`docs/providers.md` is written from this table and the providers' OpenAPI documents; `test_calls.py` holds the
table against what the clients really send and read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RENDER, RENDER_OLD = "render-openapi-2026.json", "render-openapi-2025-12.json"
VERCEL = "vercel-openapi-2026.json"

EMPTY = "left empty"
ROW = "without it the row is left out, and the list does not count as complete"
ANSWER = "without it the answer is unreadable, and nothing is concluded"
EVENT = "without it the event is left out"
NO_TIME = "an event or line without it is left out"
FALSE = "taken as no"
UNKNOWN = "unknown, which is neither yes nor no"


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        name: what it is for.
        path: the path in the document, "" where the document does not have the call.
        real: the path as it is sent, where the document has another one.
        rows: where the objects are that the fields belong to.
        sends: the parameters (in the query, or in the body) and why.
        reads: field -> what happens where it is missing, null or unknown.
        undocumented: parameters and fields that are used all the same, and how we know of them.
        status: the documented success.
    """

    document: str
    name: str
    method: str
    path: str
    sends: Mapping[str, str] = field(default_factory=dict)
    reads: Mapping[str, str] = field(default_factory=dict)
    rows: str = ""
    status: str = "200"
    undocumented: Mapping[str, str] = field(default_factory=dict)
    variant: int | None = None
    real: str = ""

    @property
    def sent_path(self) -> str:
        return self.real or self.path
