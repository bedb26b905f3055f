"""Questions to the rows about a service's past."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from deployments.history import commits_between, with_commit_authors
from deployments.models import Service
from tests import factories

pytestmark = pytest.mark.django_db


def test_the_author_comes_from_another_service_that_built_the_same_commit(
    api: Service, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    factories.deployment(factories.service("web"), "Add gift cards", author="Bo Lind")
    deployments = [factories.deployment(api, "Add gift cards", author="") for _ in range(3)]

    with django_assert_num_queries(1):
        rows = with_commit_authors(deployments)

    assert {row.author for row in rows} == {"Bo Lind"}
    assert not api.deployments.exclude(author="").exists()


def test_rows_with_an_author_need_no_query(
    api: Service, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    deployment = factories.deployment(api, author="Chioma Obi")

    with django_assert_num_queries(0):
        (row,) = with_commit_authors([deployment])

    assert row.author == "Chioma Obi"


def test_the_pull_request_is_the_number_at_the_end_of_the_first_line(api: Service) -> None:
    message = "Add gift cards (#812)\n\nSee (#99)"
    deployment = factories.deployment(api, pull_request="", commit_message=message)

    (row,) = with_commit_authors([deployment])

    assert row.pull_request == "812"


def test_the_commits_between_are_those_after_the_target_up_to_the_live_one(api: Service) -> None:
    target = factories.deployment(api, "Add gift cards", created_at=factories.ago(hours=3))
    factories.deployment(api, "Log slow queries", created_at=factories.ago(hours=2))
    live = factories.live(api, "Faster checkout totals")

    commits = commits_between(api, live, target)

    assert [commit.subject for commit in commits] == ["Faster checkout totals", "Log slow queries"]
