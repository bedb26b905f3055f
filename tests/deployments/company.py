"""The sandbox's small company and its synced rows: made once per process, then restored for each test.

Making and syncing it takes most of a second, and more than a hundred tests need it. Each test gets the same
company at the same age: all times are shifted by whole seconds, because providers round.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import DateTimeField, Model
from django.utils import timezone

from deployments.clients import provider, using_transport
from deployments.models import Deployment, LivePeriod, OutsideAct, ProviderStatus, Service
from deployments.sandbox.clock import Clock, Pace, utcnow
from deployments.sandbox.company.companies import small_company
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.transport import SandboxTransport
from deployments.sandbox.world import World
from deployments.sync import poll

READ: tuple[type[Model], ...] = (
    Service,
    Deployment,
    LivePeriod,
    OutsideAct,
    ProviderStatus,
)  # all that a first sync writes
EPOCH = 1_000_000_000.0  # every larger number in the sandbox state is a time


@dataclass(frozen=True, slots=True)
class Company:
    """The saved state of the company."""

    at: datetime
    world: dict[str, Any]
    rows: Mapping[type[Model], str]  # as JSON


made: list[Company] = []


@contextmanager
def read_company() -> Iterator[Sandbox]:
    """Yield the sandbox behind the portal; its company is already in the rows."""
    if not made:
        made.append(first_company())
    age = timedelta(seconds=int((timezone.now() - made[0].at).total_seconds()))
    sandbox = Sandbox(World.from_json(at_age(made[0].world, age), pace=Pace.instant()))
    put_back(made[0].rows, age)
    with using_transport(SandboxTransport(sandbox)):
        yield sandbox


def first_company(clock: Clock = utcnow) -> Company:
    """Make the company, sync it as the workers do, save the rows and roll them back."""
    world = small_company(clock=clock, pace=Pace.instant())
    with transaction.atomic(), using_transport(SandboxTransport(Sandbox(world))):
        kept = world.to_json()
        for name in ("render", "vercel"):
            poll.read_services(name, provider(name))
        for name in ("render", "vercel"):
            poll.read_provider(name, provider(name))
        rows = {model: rows_as_json(model) for model in READ}
        transaction.set_rollback(True)
    return Company(timezone.now(), kept, rows)  # last, so that no time is in the future


def at_age(world: dict[str, Any], age: timedelta) -> dict[str, Any]:
    """Return a copy with every time shifted by `age`."""

    def later(number: str) -> float:
        value = float(number)
        return value + age.total_seconds() if value > EPOCH else value

    copied: dict[str, Any] = json.loads(json.dumps(world), parse_float=later)
    return copied


def rows_as_json(model: type[Model]) -> str:
    """All rows of a table, as PostgreSQL writes them."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(jsonb_agg(t), '[]')::text FROM {_table(model)} t")  # noqa: S608
        (rows,) = cursor.fetchone()
    return str(rows)


def put_back(rows: Mapping[type[Model], str], age: timedelta) -> None:
    """Insert the rows with the same keys, and reset the sequences."""
    with transaction.atomic(), connection.cursor() as cursor:  # services and live deployments need each other
        for model, saved in rows.items():
            fields = model._meta.concrete_fields
            columns = [connection.ops.quote_name(str(field.column)) for field in fields]
            moved = ", ".join(
                f"{column} + make_interval(secs => %(age)s)" if isinstance(field, DateTimeField) else column
                for field, column in zip(fields, columns, strict=True)
            )
            table = _table(model)
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {moved}"  # noqa: S608
                f" FROM jsonb_populate_recordset(NULL::{table}, %(saved)s::jsonb)",
                {"age": age.total_seconds(), "saved": saved},
            )
        for statement in connection.ops.sequence_reset_sql(no_style(), READ):
            cursor.execute(statement)


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)
