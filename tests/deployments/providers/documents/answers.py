"""Builds random responses from the providers' OpenAPI documents, valid or nearly valid by the schema.

Every nullable field may be null and every optional one missing, enums hold unknown words, strings are long or
strange, numbers huge, dates far away, arrays empty; now and then a value has another type than documented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tests.deployments.sandbox.documents import Json, document, resolve

STRINGS = (
    "", " ", "x" * 6_000, "a\x00b", "\ud800", "‮drawkcab", "<b>bold</b>", "null", "true", "0", "https://",
    "https://a.example", "a.example", "*.example", "-", "é" * 300, "\n", "production", "dpl_1", "dep-1",
)  # fmt: skip
NUMBERS: tuple[float, ...] = (
    0,
    -1,
    1,
    0.5,
    1e18,
    -1e18,
    1e308,
    10**40,
    2**63,
    1_767_312_060_000,
    1_767_312_060,
)
DATES = (
    "", "yesterday", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-02",
    "2026-01-02T00:00:00.123456789Z", "1767312060",
)  # fmt: skip
IDS = {
    "projectId",
    "accountId",
    "id",
    "uid",
    "deployId",
    "deploymentId",
    "toDeploymentId",
    "fromDeploymentId",
    "rollbackTargetDeployId",
}
LIKELY = {"status": "live", "type": "web_service"}  # without which some questions are never reached
OTHER_TYPES: tuple[Any, ...] = (
    None,
    [],
    {},
    "",
    0,
    True,
    "text",
    1.5,
    [None],
    [[]],
    {"": None},
    float("inf"),
)
DEEPEST = 9


class Answers:
    """Odd answers to one kind of call. `seed` makes them the same again."""

    def __init__(
        self, name: str, schema: Json, seed: int, ids: Sequence[str] = ("",), unread: Sequence[str] = ()
    ) -> None:
        """One kind of answer.

        Args:
            name: of the document.
            schema: of the answer.
            seed: makes the same answers again.
            ids: those that an answer is likely to hold, so that its parts fit together now and then.
            unread: fields that nobody reads, so that few answers need to have them.
        """
        self.name = name
        self.ids = ids
        self.unread = frozenset(unread)
        self.schema = schema
        self.random = Random(seed)
        self.wrongness = 0.0

    def next(self) -> Any:
        # Half of the answers are as the document says, the others have some values of another type.
        self.wrongness = self.random.choice((0.0, 0.0, 0.01, 0.1))
        return self._value(self.schema, 0)

    def _value(self, schema: Json, depth: int) -> Any:
        schema = resolve(document(self.name), schema)
        if self.random.random() < self.wrongness:
            return self.random.choice(OTHER_TYPES)
        if schema.get("nullable") and self.random.random() < 0.4:
            return None
        for word in ("oneOf", "anyOf"):
            if schema.get(word):
                return self._value(self.random.choice(schema[word]), depth)
        if schema.get("allOf"):
            return self._all_of(schema["allOf"], depth)
        return self._typed(schema, depth)

    def _field(self, name: str, schema: Json, depth: int) -> Any:
        if name in IDS and self.random.random() > self.wrongness:
            return self.random.choice((*self.ids, *self.ids, *self.ids, self._value(schema, depth)))
        likely = LIKELY.get(name, "")
        if likely in resolve(document(self.name), schema).get("enum", ()) and self.random.random() < 0.5:
            return likely
        return self._value(schema, depth)

    def _all_of(self, schemas: list[Json], depth: int) -> Any:
        parts = [self._value(one, depth) for one in schemas]
        if all(isinstance(part, dict) for part in parts):
            return {name: value for part in parts for name, value in part.items()}
        return parts[0]

    def _typed(self, schema: Json, depth: int) -> Any:
        kind = schema.get("type")
        if kind == "array":
            items = schema.get("items")
            count = self.random.choice((0, 0, 1, 2, 5)) if depth else self.random.choice((0, 1, 3, 8))
            return [self._value(items, depth + 1) for _ in range(count)] if isinstance(items, dict) else []
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        if kind in {"number", "integer"}:
            return self.random.choice(NUMBERS)
        if kind == "boolean":
            return self.random.random() < 0.5
        return self._string(schema)

    def _object(self, schema: Json, depth: int) -> dict[str, Any]:
        properties: Mapping[str, Json] = schema.get("properties") or {"id": {"type": "string"}}
        required = set(schema.get("required", ()))
        deep = depth > DEEPEST
        data = {
            name: self._field(name, inner, depth + 1)
            for name, inner in properties.items()
            if name in required
            or (not deep and self.random.random() < (0.05 if name in self.unread else 0.6))
        }
        other = schema.get("additionalProperties")
        if isinstance(other, dict) and not deep:
            data |= {name: self._value(other, depth + 1) for name in ("production", "githubCommitSha")}
        if self.random.random() < 0.2:
            data["a field of tomorrow"] = self.random.choice(OTHER_TYPES)
        return data

    def _string(self, schema: Json) -> str:
        if schema.get("format") == "date-time":
            return self.random.choice(DATES)
        if schema.get("enum") and self.random.random() < 0.7:
            return str(self.random.choice(schema["enum"]))
        if schema.get("enum"):
            return self.random.choice(("a_word_of_tomorrow", "", "UNKNOWN", "x" * 500))
        return self.random.choice(STRINGS)
