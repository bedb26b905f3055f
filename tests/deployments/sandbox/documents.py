"""Validates responses against the providers' OpenAPI documents, where these are present."""

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
    """The schema of a response; `variant` picks one of several, for example the owner's view."""
    specification = document(name)
    response = resolve(specification, specification["paths"][path][method]["responses"][status])
    schema = resolve(specification, response["content"]["application/json"]["schema"])
    if variant is not None:
        schema = resolve(specification, (schema.get("oneOf") or schema["anyOf"])[variant])
    return schema


def resolve(specification: Json, node: Json) -> Json:
    while "$ref" in node:
        target: Any = specification
        for key in node["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        node = target
    return node


def deviations(name: str, schema: Json, data: Any) -> list[str]:
    """How a response deviates from the document: wrong, missing and undocumented fields."""
    whole = {"allOf": [loosened(schema)], "components": loosened(document(name).get("components", {}))}
    wrong = [f"{error.json_path}: {error.message[:200]}" for error in OAS30Validator(whole).iter_errors(data)]
    return wrong + sorted(set(undocumented(document(name), schema, data, "$")))


def loosened(node: Any) -> Any:
    """The schema as the documents mean it.

    Their alternatives overlap (a web service is also a worker), so `oneOf` is read as `anyOf`; and a
    `nullable` value may be null although its own `enum` lacks null.
    """
    if isinstance(node, dict):
        loose = {("anyOf" if key == "oneOf" else key): loosened(value) for key, value in node.items()}
        if loose.get("nullable") is True and isinstance(loose.get("enum"), list):
            loose["enum"] = [*loose["enum"], None]
        return loose
    if isinstance(node, list):
        return [loosened(value) for value in node]
    return node


def undocumented(specification: Json, schema: Json, data: Any, path: str) -> list[str]:
    fields, items, open_ended = outline(specification, schema)
    if isinstance(data, list):
        return [
            line
            for row in data
            for one in items
            for line in undocumented(specification, one, row, f"{path}[]")
        ]
    if not isinstance(data, dict) or not fields:
        return []
    lines = []
    for key, value in data.items():
        if key in fields:
            branches: list[list[str]] = [
                undocumented(specification, branch, value, f"{path}.{key}") for branch in fields[key]
            ]
            fewest: list[str] = min(branches, key=len)
            lines += fewest
        elif not open_ended:
            lines.append(f"{path}.{key}: not in the document")
    return lines


def outline(specification: Json, schema: Json) -> tuple[dict[str, list[Json]], list[Json], bool]:
    """The fields and items that a schema knows, through all its alternatives."""
    schema = resolve(specification, schema)
    fields = {key: [value] for key, value in schema.get("properties", {}).items()}
    items = [schema["items"]] if isinstance(schema.get("items"), dict) else []
    open_ended = bool(schema.get("additionalProperties"))
    for word in ("oneOf", "anyOf", "allOf"):
        for branch in schema.get(word, []):
            more, more_items, more_open = outline(specification, branch)
            for key, values in more.items():
                fields.setdefault(key, []).extend(values)
            items += more_items
            open_ended = open_ended or more_open
    return fields, items, open_ended
