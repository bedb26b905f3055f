"""The version check from outside, and what is saved of it."""

from __future__ import annotations

import pytest

from deployments.models import Service
from deployments.sync.version_check import compare_live_version
from tests.deployments.conftest import Portal

BOTH = pytest.mark.parametrize("name", ["render", "vercel"])


@BOTH
def test_the_expected_commit_is_certain_and_saved(portal: Portal, name: str) -> None:
    service = portal.service(name)
    assert service.live is not None

    comparison = compare_live_version(service, service.live.commit_sha)

    service.refresh_from_db()
    assert (comparison.wrong, comparison.certain) == (False, True)
    assert service.live.commit_sha.startswith(service.version_check_sha)
    assert service.version_check_agree == service.version_check_total > 0
    assert service.version_check_message == comparison.message


@BOTH
def test_another_commit_is_wrong(portal: Portal, name: str) -> None:
    service = portal.service(name)

    comparison = compare_live_version(service, portal.candidate(service).commit_sha)

    assert (comparison.wrong, comparison.certain) == (True, False)


def test_a_service_without_addresses_is_neither_wrong_nor_certain(portal: Portal) -> None:
    Service.objects.update(addresses=[])

    comparison = compare_live_version(portal.api, "0" * 40)

    assert (comparison.wrong, comparison.certain) == (False, False)
    assert portal.api.version_checked_at is None


def test_without_an_expected_commit_nothing_is_wrong(portal: Portal) -> None:
    comparison = compare_live_version(portal.api, "")

    assert (comparison.wrong, comparison.certain) == (False, False)
