"""Machines ask: alive, ready, how are you; without a sign-in, and without learning a secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from deployments.models import ProviderStatus
from deployments.providers.base import Unreachable
from deployments.sync import circuit_breaker
from rollback_portal.web import health
from tests import factories
from tests.support.database_away import postgresql_away

away = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_seen_yet() -> Iterator[None]:
    health._complete = False
    yield
    health._complete = False


def read(**headers: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample by its name and the values of its labels, the labels in the order of their names."""
    answer = Client().get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.content.decode())
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


# --- Alive --------------------------------------------------------------------------------------------------


def test_the_process_is_alive_without_touching_anything() -> None:
    """No database fixture: a query would fail the test."""
    answer = Client().get("/livez")
    assert (answer.status_code, answer.content) == (200, b"alive\n")


@away
def test_the_process_is_alive_while_postgresql_is_away() -> None:
    with postgresql_away():
        assert Client().get("/livez").status_code == 200


def test_a_machine_needs_neither_a_known_host_name_nor_https(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/livez", headers={"Host": "10.1.2.3:8000"}).status_code == 200


@pytest.mark.parametrize("where", ["/livez", "/readyz", "/metrics"])
def test_a_probe_is_only_read(where: str) -> None:
    assert Client().post(where).status_code == 405


# --- Ready --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_ready_with_everything() -> None:
    factories.at_work()
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "database": "answers",
        "migrations_missing": [],
        "operations_are_worked_on": True,
        "queue_answers": True,
    }


@away
def test_not_ready_without_postgresql() -> None:
    with postgresql_away():
        answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "database": "away", "migrations_missing": None}


@pytest.mark.django_db
def test_not_ready_before_the_migrations_are_applied() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'deployments' AND name = '0001_initial'")
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["migrations_missing"] == ["deployments.0001_initial"]


@pytest.mark.django_db
def test_newer_migrations_than_ours_do_no_harm() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('deployments', '9999', now())"
        )
    assert Client().get("/readyz").status_code == 200


@pytest.mark.django_db
def test_pages_are_ready_without_a_dispatcher_and_operations_are_not() -> None:
    factories.at_work("dispatcher", heard_at=factories.ago(seconds=41))
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["operations_are_worked_on"]) == (200, False)
    assert Client().get("/readyz?operations").status_code == 503
    factories.at_work("dispatcher")
    assert Client().get("/readyz?operations").status_code == 200


@pytest.mark.django_db
def test_redis_is_only_told(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["queue_answers"]) == (200, False)


# --- Metrics ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_operations_are_counted_by_kind_and_outcome() -> None:
    service = factories.service("api")
    for status in ("succeeded", "succeeded", "failed", "needs_attention"):
        factories.change(service, status=status)
    running = factories.change(service, status="accepted")
    type(running.operation).objects.filter(pk=running.operation_id).update(
        requested_at=factories.ago(minutes=2)
    )
    found = read()
    assert found["portal_operations_total", ("roll_back", "succeeded")] == 2
    assert found["portal_operations_total", ("roll_back", "failed")] == 1
    assert found["portal_operations_total", ("promote", "failed")] == 0
    assert found["portal_operations_need_attention", ("roll_back",)] == 1
    assert found["portal_operations_active", ("roll_back", "accepted")] == 1
    assert 120 <= found["portal_oldest_active_operation_age_seconds", ()] < 180


@pytest.mark.django_db
def test_readings_have_an_age_and_what_is_unknown_is_no_number() -> None:
    factories.reading("render", synced_at=factories.ago(seconds=90))
    found = read()
    assert 90 <= found["portal_reading_age_seconds", ("render",)] < 150
    never = found["portal_reading_age_seconds", ("vercel",)]
    assert never != never  # only NaN
    assert found["portal_oldest_active_operation_age_seconds", ()] == 0


@pytest.mark.django_db
def test_what_the_providers_answered_is_counted() -> None:
    for _ in range(5):
        circuit_breaker.failed("render", Unreachable("Render cannot be reached; nothing was sent."))
    circuit_breaker.answered("vercel")
    found = read()
    assert found["portal_provider_results_total", ("unreachable", "render")] == 5
    assert found["portal_provider_results_total", ("answered", "vercel")] == 1
    assert found["portal_circuit_open", ("render",)] == 1
    assert found["portal_circuit_open", ("vercel",)] == 0
    assert ProviderStatus.objects.count() == 2


@pytest.mark.django_db
def test_who_is_at_work_is_counted_and_aged() -> None:
    factories.at_work("worker", "worker")
    factories.at_work("dispatcher", heard_at=factories.ago(seconds=50))
    found = read()
    assert found["portal_processes_alive", ("worker",)] == 2
    assert found["portal_processes_alive", ("dispatcher",)] == 0
    assert 50 <= found["portal_heartbeat_age_seconds", ("dispatcher",)] < 110
    assert found["portal_queue_answers", ()] == 1


@away
def test_metrics_without_postgresql_are_none_and_not_zero() -> None:
    with postgresql_away():
        answer = Client().get("/metrics")
    assert answer.status_code == 503
    assert b"portal_" not in answer.content


@pytest.mark.parametrize(
    "asked",
    [
        {"REMOTE_ADDR": "10.1.2.3"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=10.1.2.3"},
        {"REMOTE_ADDR": "10.1.2.3", "HTTP_AUTHORIZATION": "Bearer "},
        {"REMOTE_ADDR": "10.1.2.3", "HTTP_AUTHORIZATION": "Bearer wrong"},
    ],
)
@pytest.mark.parametrize("token", ["", "a-long-token"])
def test_metrics_are_for_those_who_may(settings: Any, asked: dict[str, str], token: str) -> None:
    """No database fixture: somebody who may not read them costs no query."""
    settings.METRICS_TOKEN = token
    assert Client().get("/metrics", **asked).status_code == 403  # type: ignore[arg-type]


@pytest.mark.django_db
def test_a_token_opens_the_metrics_to_everybody_who_has_it(settings: Any) -> None:
    settings.METRICS_TOKEN = "a-long-token"
    client = Client(REMOTE_ADDR="10.1.2.3")
    assert client.get("/metrics", headers={"Authorization": "Bearer a-long-token"}).status_code == 200


@pytest.mark.django_db
def test_a_network_can_be_allowed(settings: Any) -> None:
    settings.METRICS_ALLOW = ["10.1.0.0/16"]
    assert Client(REMOTE_ADDR="10.1.2.3").get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics").status_code == 403
