"""Health endpoints and metrics: without a sign-in, and without leaking anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
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
def no_migrations_checked_yet() -> Iterator[None]:
    health._all_applied = False
    yield
    health._all_applied = False


def read_metrics(**headers: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample, by its name and its label values in the order of the label names."""
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


def test_livez_answers_without_a_query() -> None:
    """No database fixture: a query would fail the test."""
    answer = Client().get("/livez")
    assert (answer.status_code, answer.content) == (200, b"alive\n")


@away
def test_livez_answers_while_postgresql_is_away() -> None:
    with postgresql_away():
        assert Client().get("/livez").status_code == 200


def test_livez_needs_neither_a_known_host_name_nor_https(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/livez", headers={"Host": "10.1.2.3:8000"}).status_code == 200


@pytest.mark.parametrize("address", ["/livez", "/readyz", "/metrics"])
def test_health_endpoints_are_read_only(address: str) -> None:
    assert Client().post(address).status_code == 405


# --- Ready --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_ready_with_everything() -> None:
    factories.heartbeats()
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
    newest = MigrationRecorder.Migration.objects.filter(app="deployments").latest("name")
    newest.delete()
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["migrations_missing"] == [f"deployments.{newest.name}"]


@pytest.mark.django_db
def test_migrations_that_this_code_does_not_know_do_no_harm() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('deployments', '9999', now())"
        )
    assert Client().get("/readyz").status_code == 200


@pytest.mark.django_db
def test_pages_are_ready_without_a_dispatcher_and_operations_are_not() -> None:
    factories.heartbeats("dispatcher", at=factories.ago(seconds=41))
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["operations_are_worked_on"]) == (200, False)
    assert Client().get("/readyz?operations").status_code == 503
    factories.heartbeats("dispatcher")
    assert Client().get("/readyz?operations").status_code == 200


@pytest.mark.django_db
def test_an_outage_of_redis_is_reported_but_pages_are_ready(settings: Any) -> None:
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
    samples = read_metrics()
    assert samples["portal_operations_total", ("roll_back", "succeeded")] == 2
    assert samples["portal_operations_total", ("roll_back", "failed")] == 1
    assert samples["portal_operations_total", ("promote", "failed")] == 0
    assert samples["portal_operations_need_attention", ("roll_back",)] == 1
    assert samples["portal_operations_active", ("roll_back", "accepted")] == 1
    assert 120 <= samples["portal_oldest_active_operation_age_seconds", ()] < 180


@pytest.mark.django_db
def test_syncs_have_an_age_and_an_unknown_age_is_nan() -> None:
    factories.provider_status("render", synced_at=factories.ago(seconds=90))
    samples = read_metrics()
    assert 90 <= samples["portal_reading_age_seconds", ("render",)] < 150
    unknown = samples["portal_reading_age_seconds", ("vercel",)]
    assert unknown != unknown  # only NaN
    assert samples["portal_oldest_active_operation_age_seconds", ()] == 0


@pytest.mark.django_db
def test_answers_of_the_providers_are_counted() -> None:
    for _ in range(5):
        circuit_breaker.record_failure("render", Unreachable("Render cannot be reached; nothing was sent."))
    circuit_breaker.record_success("vercel")
    samples = read_metrics()
    assert samples["portal_provider_results_total", ("unreachable", "render")] == 5
    assert samples["portal_provider_results_total", ("answered", "vercel")] == 1
    assert samples["portal_circuit_open", ("render",)] == 1
    assert samples["portal_circuit_open", ("vercel",)] == 0
    assert ProviderStatus.objects.count() == 2


@pytest.mark.django_db
def test_processes_are_counted_and_their_heartbeats_have_an_age() -> None:
    factories.heartbeats("worker", "worker")
    factories.heartbeats("dispatcher", at=factories.ago(seconds=50))
    samples = read_metrics()
    assert samples["portal_processes_alive", ("worker",)] == 2
    assert samples["portal_processes_alive", ("dispatcher",)] == 0
    assert 50 <= samples["portal_heartbeat_age_seconds", ("dispatcher",)] < 110
    assert samples["portal_queue_answers", ()] == 1


@away
def test_without_postgresql_there_are_no_metrics_rather_than_zeros() -> None:
    with postgresql_away():
        answer = Client().get("/metrics")
    assert answer.status_code == 503
    assert b"portal_" not in answer.content


@pytest.mark.parametrize(
    "client",
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
def test_metrics_are_refused_to_other_addresses_and_proxies(
    settings: Any, client: dict[str, str], token: str
) -> None:
    """No database fixture: a refusal costs no query."""
    settings.METRICS_TOKEN = token
    assert Client().get("/metrics", **client).status_code == 403  # type: ignore[arg-type]


@pytest.mark.django_db
def test_metrics_can_be_read_with_the_token_from_any_address(settings: Any) -> None:
    settings.METRICS_TOKEN = "a-long-token"
    client = Client(REMOTE_ADDR="10.1.2.3")
    assert client.get("/metrics", headers={"Authorization": "Bearer a-long-token"}).status_code == 200


@pytest.mark.django_db
def test_a_network_can_be_allowed(settings: Any) -> None:
    settings.METRICS_ALLOW = ["10.1.0.0/16"]
    assert Client(REMOTE_ADDR="10.1.2.3").get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics").status_code == 403
