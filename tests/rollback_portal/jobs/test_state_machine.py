"""A status moves along declared transitions only, and each move has one winner."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from deployments.models import ACTIVE, Change
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_declared_move_is_made_with_its_fields() -> None:
    change = factories.change(factories.service())

    assert change.move("pinning", auto_deploy_before="commit")
    change.refresh_from_db()
    assert (change.status, change.auto_deploy_before) == ("pinning", "commit")


def test_an_undeclared_move_is_not_made() -> None:
    change = factories.change(factories.service())

    assert not change.move("serving")
    assert Change.objects.get().status == "queued"


def test_of_two_moves_one_wins() -> None:
    first = factories.change(factories.service())
    second = Change.objects.get(pk=first.pk)

    assert (first.move("pinning"), second.move("pinning")) == (True, False)


def test_a_move_is_not_made_when_its_guard_fails() -> None:
    change = factories.change(factories.service())

    assert not change.move("pinning", guard={"cancel_requested_by": "nobody"})


def test_no_transition_leads_out_of_an_end() -> None:
    for end in Change.ends():
        assert not Change.TRANSITIONS[end]
    assert set(ACTIVE) | set(Change.ends()) | {"needs_attention"} == set(Change.TRANSITIONS)


def test_postgresql_refuses_an_undeclared_move_too() -> None:
    change = factories.change(factories.service())

    with pytest.raises(IntegrityError, match="cannot move from queued to serving"), transaction.atomic():
        Change.objects.filter(pk=change.pk).update(status="serving")


def test_the_transitions_in_postgresql_are_those_in_the_code() -> None:
    for source, targets in Change.TRANSITIONS.items():
        for target in Change.TRANSITIONS:
            change = factories.change(factories.service(), status=source)
            assert moves(change, target) == (target in targets or target == source), (source, target)


def moves(change: Change, target: str) -> bool:
    try:
        with transaction.atomic():
            return bool(Change.objects.filter(pk=change.pk).update(status=target))
    except IntegrityError:
        return False


def test_the_database_allows_one_active_change_per_service() -> None:
    service = factories.service()
    factories.change(service, status="accepted")

    with pytest.raises(IntegrityError), transaction.atomic():
        factories.change(service)


def test_the_database_knows_all_statuses() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.change(factories.service(), status="nearly done")
