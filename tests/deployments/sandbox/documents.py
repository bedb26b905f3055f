"""The providers' OpenAPI documents, where they are present, and what is wrong with an answer by them."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator

ROOT = Path(__file__).resolve().parents[3]
Json = dict[str, Any]


def folder() -> Path:
    shared = Path(os.environ.get("PORTAL_SHARED") or ROOT.parent / "shared") / "specs"
    if not shared.is_dir():
        pytest.skip(f"the OpenAPI documents are not here ({shared}); PORTAL_SHARED can name their folder")
    return shared


@cache
def document(name: str) -> Json:
    data: Json = json.loads((folder() / name).read_text())
    return data


def schema_of(
    name: str, path: str, method: str = "get", status: str = "200", variant: int | None = None
) -> Json:
    """The schema of an answer; `variant` picks one of several, for example the owner's view."""
    found = document(name)
    answer = resolve(found, found["paths"][path][method]["responses"][status])
    schema = resolve(found, answer["content"]["application/json"]["schema"])
    if variant is not None:
        schema = resolve(found, (schema.get("oneOf") or schema["anyOf"])[variant])
    return schema


def resolve(found: Json, node: Json) -> Json:
    while "$ref" in node:
        target: Any = found
        for word in node["$ref"].removeprefix("#/").split("/"):
            target = target[word]
        node = target
    return node


def mistakes(name: str, schema: Json, data: Any) -> list[str]:
    """What the document says against an answer: wrong or missing fields, and fields that it does not know."""
    whole = {"allOf": [loosened(schema)], "components": loosened(document(name).get("components", {}))}
    wrong = [f"{error.json_path}: {error.message[:200]}" for error in OAS30Validator(whole).iter_errors(data)]
    return wrong + sorted(set(unknown(document(name), schema, data, "$")))


def loosened(node: Any) -> Any:
    """What the documents mean and do not say.

    Their alternatives overlap (a web service is also a worker), so `oneOf` is read as `anyOf`; and a
    `nullable` word may be null although it is not in its own list of words.
    """
    if isinstance(node, dict):
        loose = {("anyOf" if key == "oneOf" else key): loosened(value) for key, value in node.items()}
        if loose.get("nullable") is True and isinstance(loose.get("enum"), list):
            loose["enum"] = [*loose["enum"], None]
        return loose
    if isinstance(node, list):
        return [loosened(value) for value in node]
    return node


def unknown(found: Json, schema: Json, data: Any, where: str) -> list[str]:
    fields, items, open_ended = outline(found, schema)
    if isinstance(data, list):
        return [line for row in data for one in items for line in unknown(found, one, row, f"{where}[]")]
    if not isinstance(data, dict) or not fields:
        return []
    lines = []
    for key, value in data.items():
        if key in fields:
            branches: list[list[str]] = [
                unknown(found, branch, value, f"{where}.{key}") for branch in fields[key]
            ]
            fewest: list[str] = min(branches, key=len)
            lines += fewest
        elif not open_ended:
            lines.append(f"{where}.{key}: not in the document")
    return lines


def outline(found: Json, schema: Json) -> tuple[dict[str, list[Json]], list[Json], bool]:
    """The fields and items that a schema knows, through all its alternatives."""
    schema = resolve(found, schema)
    fields = {key: [value] for key, value in schema.get("properties", {}).items()}
    items = [schema["items"]] if isinstance(schema.get("items"), dict) else []
    open_ended = bool(schema.get("additionalProperties"))
    for word in ("oneOf", "anyOf", "allOf"):
        for branch in schema.get(word, []):
            more, more_items, more_open = outline(found, branch)
            for key, values in more.items():
                fields.setdefault(key, []).extend(values)
            items += more_items
            open_ended = open_ended or more_open
    return fields, items, open_ended
