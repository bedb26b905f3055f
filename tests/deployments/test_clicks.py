"""Many clicks at the same moment, over real connections: PostgreSQL lets one through."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from django.db import connection

from deployments import operations, plans
from deployments.models import Change, Kind, Operation, Service
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from rollback_portal.audit.record import Actor
from tests import make

CLICKS = 16


def click(service: Service, user: User, key: UUID, barrier: Barrier) -> str:
    try:
        barrier.wait()
        target = service.deployments.get(live_since=None)
        plan = plans.draw(Kind.ROLL_BACK, service, target, operations.active_change(service), None)
        operation = operations.request(Actor.of(user), plan, key=key, reason="errors", words="", incident="")
    except operations.UnderWay as other:
        return f"under way: {other.change.operation_id}"
    else:
        return f"started: {operation.pk}"
    finally:
        connection.close()


def clicks(service: Service, user: User, keys: list[UUID]) -> list[str]:
    barrier = Barrier(len(keys))
    with ThreadPoolExecutor(len(keys)) as people:
        return list(people.map(lambda key: click(service, user, key, barrier), keys))


@pytest.mark.django_db(transaction=True)
def test_sixteen_people_at_once_start_one_operation_and_see_it() -> None:
    service, user = make.service(), make.person()
    make.live(service)
    make.deployment(service)

    said = clicks(service, user, [uuid4() for _ in range(CLICKS)])

    operation = Operation.objects.get()
    assert sorted(said) == sorted(
        [f"started: {operation.pk}"] + [f"under way: {operation.pk}"] * (CLICKS - 1)
    )
    assert AuditEntry.objects.filter(action="rollback refused").count() == CLICKS - 1


@pytest.mark.django_db(transaction=True)
def test_one_form_sent_sixteen_times_at_once_is_one_operation() -> None:
    service, user = make.service(), make.person()
    make.live(service)
    make.deployment(service)

    said = clicks(service, user, [uuid4()] * CLICKS)

    assert set(said) == {f"started: {Operation.objects.get().pk}"}
    assert Change.objects.count() == 1
