"""The sandbox's small company and its synced rows: made once per process, then restored for each test.

Making and syncing it takes most of a second, and more than a hundred tests need it. Each test gets the same
company at the same age: all times are shifted by whole seconds, because providers round.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
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
    rows: tuple[Model, ...]


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
        rows = tuple(row for model in READ for row in model._default_manager.all())
        transaction.set_rollback(True)
    return Company(timezone.now(), kept, rows)  # last, so that no time is in the future


def at_age(world: dict[str, Any], age: timedelta) -> dict[str, Any]:
    """Return a copy with every time shifted by `age`."""

    def later(number: str) -> float:
        value = float(number)
        return value + age.total_seconds() if value > EPOCH else value

    copied: dict[str, Any] = json.loads(json.dumps(world), parse_float=later)
    return copied


def put_back(rows: tuple[Model, ...], age: timedelta) -> None:
    """Insert the rows with the same keys, and reset the sequences."""
    with transaction.atomic():  # services and their live deployments refer to each other
        for model in READ:
            moved = [aged(row, age) for row in rows if type(row) is model]
            model._default_manager.bulk_create(moved)
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), READ):
                cursor.execute(statement)


def aged(row: Model, age: timedelta) -> Model:
    moved = copy.copy(row)
    for field in row._meta.concrete_fields:
        value: Any = getattr(row, field.attname)
        if isinstance(field, DateTimeField) and value is not None:
            setattr(moved, field.attname, value + age)
    return moved
