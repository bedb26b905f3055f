"""Writes `docs/providers.md`: `python -m tests.deployments.providers.documents.page`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from deployments.metrics.pace import call_plan
from deployments.providers.base import ProviderName
from deployments.providers.rate_limit import BACKGROUND_SHARE, LIMITS
from tests.deployments.providers.documents import render_calls, vercel_calls
from tests.deployments.providers.documents.calls import RENDER, VERCEL, Call
from tests.deployments.sandbox.documents import ROOT, Json, document, outline, resolve, schema_of

PAGE: Path = ROOT / "docs" / "providers.md"
CALLS = (*render_calls.CALLS, *vercel_calls.CALLS)
WIDTH = 110

INTRODUCTION = """# What the portal sends to the providers, and what it reads

One table for each call, against the providers' OpenAPI documents (`{render}` and
`{vercel}`). This page is written by `python -m tests.deployments.providers.documents.page`; a
test holds it against the documents and against what the clients really send and read.

Five rules hold for every field:

- A missing field, a null and a value of another type are the same: nothing was said. The tables tell what
  follows.
- An unknown word is kept and shown. It is never taken for success, and never makes anything eligible.
- A longer text is cut to its column, and a number or a time that cannot be is left out. An id is stored whole
  or not at all.
- A new field changes nothing. A row that cannot be read is left out, and its list is then not complete, so
  that nothing is concluded from what it lacks.
- An answer about another object than the one asked for is unreadable.

"""


GET = ("reads", "metrics", "logs")
METRICS = """## Metrics: calls a minute

Render counts every GET of an account together, {all} a minute. Of these the portal gives {metrics} to
metrics, {logs} to logs while somebody looks, and {reads} to everything else, of which background readings
use {share:.0%}. Requests and p95 are read every 30 s (2 calls), p50, CPU, memory and the number of
instances every 5 min (4 calls). A service with an operation or a deployment within the last hour
is watched: its requests and p95 are read with each pass, every 15 s. Where all of this is more than
{metrics} calls a minute, each is read more rarely, the watched ones first and every 30 s. The portal's own
requests to the
public addresses are no calls of a provider's API. Vercel has no documented API for metrics (its CLI's
calls differ between versions), so what is shown there was measured by the portal; `Provider.metrics` is
where a reader of Observability Plus would come in.

| services at Render | calls wanted | calls made | requests, p95 every | the rest every |
| --- | --- | --- | --- | --- |
"""


def main() -> None:
    PAGE.write_text(written())


def written() -> str:
    head = INTRODUCTION.format(render=RENDER, vercel=VERCEL)
    parts = [head, "## Render\n\n", *map(_section, render_calls.CALLS), "## Vercel\n\n"]
    whole = "".join([*parts, *map(_section, vercel_calls.CALLS), *_metrics()])
    return re.sub("\n{3,}", "\n\n", whole).rstrip() + "\n"


def _metrics() -> Iterator[str]:
    limits = LIMITS[ProviderName.RENDER]
    yield METRICS.format(
        **{bucket: limits[bucket] for bucket in GET},
        share=BACKGROUND_SHARE,
        all=sum(limits[bucket] for bucket in GET),
    )
    for services in (2, 15, 100):
        plan = call_plan(services)
        cells = (services, f"{plan.wanted:.0f}", f"{plan.calls:.0f}", f"{plan.traffic_every:.0f} s")
        resources = f"{plan.resources_every / 60:.0f} min"
        yield f"| {' | '.join(map(str, (*cells, resources)))} |\n"


def parameters(call: Call) -> set[str]:
    """The documented parameters: those of the path and the query, and the fields of the body."""
    if not call.path:
        return set()
    specification = document(call.document)
    item = specification["paths"][call.path]
    operation = item[call.method]
    listed = [*item.get("parameters", []), *operation.get("parameters", [])]
    names = {resolve(specification, one)["name"] for one in listed}
    body = resolve(specification, operation.get("requestBody", {})).get("content", {})
    schema = body.get("application/json", {}).get("schema", {})
    return names | set(outline(specification, schema)[0])


def rows_of(call: Call) -> list[Json]:
    """The schemas of the objects that the call's fields belong to."""
    if not call.path:
        return []
    responses = document(call.document)["paths"][call.path][call.method]["responses"]
    content = resolve(document(call.document), responses[call.status]).get("content", {})
    if "application/stream+json" in content:
        return [resolve(document(call.document), content["application/stream+json"]["schema"])]
    if "application/json" not in content:
        return []
    schemas = [schema_of(call.document, call.path, call.method, call.status, call.variant)]
    for step in steps(call.rows):
        schemas = _inside(call.document, schemas, step)
    return schemas


def steps(path: str) -> list[str]:
    """`projects[].alias` is `projects`, `[]` and `alias`."""
    return [step for step in path.replace("[]", ".[]").split(".") if step]


def is_documented(call: Call, field: str) -> bool:
    schemas = rows_of(call)
    for step in steps(field):
        schemas = _inside(call.document, schemas, step)
    return bool(schemas)


def unread(call: Call) -> list[str]:
    """The documented fields of a row that the portal does not read."""
    known = {name for schema in rows_of(call) for name in outline(document(call.document), schema)[0]}
    return sorted(known - {steps(field)[0] for field in call.reads})


def _inside(name: str, schemas: Sequence[Json], step: str) -> list[Json]:
    found: list[Json] = []
    for schema in schemas:
        fields, items, open_ended = outline(document(name), schema)
        if step == "[]":
            found += items
        elif step in fields:
            found += fields[step]
        elif open_ended:
            found += _any_field(name, schema)
    return found


def _any_field(name: str, schema: Json) -> list[Json]:
    other = resolve(document(name), schema).get("additionalProperties")
    return [other] if isinstance(other, dict) else [{}]


def _section(call: Call) -> str:
    return "".join(f"{line}\n" for line in _lines(call)) + "\n"


def _lines(call: Call) -> Iterator[str]:
    yield f"### {call.name[0].upper()}{call.name[1:]}"
    yield ""
    yield f"`{call.method.upper()} {call.sent_path}`" + (
        "" if call.path else ", which is not in the document"
    )
    yield ""
    sent = [f"`{name}`: {why}" for name, why in call.sends.items()]
    yield from _wrapped("Sent: " + ("; ".join(sent) or "no parameter") + ".")
    others = sorted(f"`{name}`" for name in parameters(call) - set(call.sends))
    in_path = sorted(f"`{name[1:-1]}`" for name in call.path.split("/") if name.startswith("{"))
    others = [name for name in others if name not in in_path]
    if others:
        yield from _wrapped("Documented and not sent: " + ", ".join(others) + ".")
    for name, source in call.undocumented.items():
        yield from _wrapped(f"Not in the document: `{name}` ({source}).")
    yield ""
    if not call.reads:
        yield "The answer's fields are not read; its status tells."
        return
    yield "| field | where it is missing, null or unknown |"
    yield "| --- | --- |"
    prefix = f"{call.rows}." if call.rows else ""
    for name, words in call.reads.items():
        yield f"| `{prefix}{name}` | {words} |"
    if left := unread(call):
        yield ""
        yield from _wrapped("Documented and not read: " + ", ".join(f"`{name}`" for name in left) + ".")


def _wrapped(text: str) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > WIDTH:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line
    yield ""


if __name__ == "__main__":
    main()
