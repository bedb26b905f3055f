"""What a name at the command line means: a slug, else an id, else a name."""

from __future__ import annotations

import pytest

from deployments.management.naming import find_service, find_target
from deployments.management.portal_command import CommandRefused
from deployments.models import Service
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_slug_counts_before_the_name_of_another_service() -> None:
    other = factories.service("api", name="shop", slug="shop-2")
    meant = factories.service("web", name="store", slug="shop")

    assert find_service("shop") == meant
    assert find_service("shop-2") == other


def test_an_id_counts_before_a_name() -> None:
    meant = factories.service("api", provider_id="srv-1")
    factories.service("web", name="srv-1", slug="odd")

    assert find_service("srv-1") == meant


def test_a_name_that_several_have_is_asked_about_with_all_that_were_meant() -> None:
    for kind, slug in (("api", "shop-render"), ("web", "shop-vercel")):
        factories.service(kind, name="shop", slug=slug)

    with pytest.raises(CommandRefused) as asked:
        find_service("shop")

    api, web = Service.objects.order_by("slug")
    assert f"shop-render (Render {api.provider_id}), shop-vercel (Vercel {web.provider_id})" in str(
        asked.value
    )
    assert "“shop” is the name of 2 services. Which one?" in str(asked.value)


def test_a_commit_means_its_newest_build_that_served_and_is_not_live() -> None:
    service = factories.service()
    before = factories.deployment(service, "Fix price rounding", created_at=factories.ago(days=1))
    live = factories.live(service, "Fix price rounding")

    assert find_target(service, live.commit_sha) == before


def test_the_beginning_of_several_commits_is_asked_about_with_all_that_were_meant() -> None:
    service, commits = factories.service(), [f"abcdef0{end}" + 32 * end for end in "12"]
    for number, commit in enumerate(commits):
        factories.deployment(service, f"Commit {number}", commit_sha=commit)

    with pytest.raises(CommandRefused) as asked:
        find_target(service, "ABCDEF0")

    assert ", ".join(commits) in str(asked.value)
    assert find_target(service, commits[0][:9]).commit_sha == commits[0]
