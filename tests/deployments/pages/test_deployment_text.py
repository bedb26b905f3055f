"""What pages say about one deployment and about what lies between two of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.history import Commit
from deployments.models import Deployment, Pin, Service
from deployments.pages.deployment_text import (
    CommitList,
    commit_fact,
    commits_summary,
    live_before,
    live_fact,
    live_time,
    no_deployments,
    nothing_between,
    pin_fact,
    pull_request,
    row_facts,
    service_facts,
    target_fact,
)
from deployments.pages.sentence import as_text
from rollback_portal.text import time_of_day

NUMBERS = {"live_requests": 9_000, "live_errors": 9, "live_source": "provider"}
HOUR = 3_600


def api(**fields: Any) -> Service:
    defaults = {"name": "shop-api", "display_name": "API", "provider": "render", "branch": "main"}
    return Service(
        **{**defaults, "repository": "https://github.com/example/shop", "followed": True, **fields}
    )


def deployment(**fields: Any) -> Deployment:
    defaults = {
        "commit_sha": "77ab0e1" + "0" * 33,
        "commit_message": "Fix price rounding",
        "created_at": datetime(2026, 11, 23, 13, 51, tzinfo=UTC),
    }
    return Deployment(**{"service": api(), **defaults, **fields})


def ago(**length: float) -> datetime:
    return timezone.now() - timedelta(**length)


def test_a_pull_request_is_a_link_only_where_its_address_is_known() -> None:
    (link,) = pull_request("412", "https://github.com/example/shop")
    assert (link.kind, link.text, link.url) == ("link", "#412", "https://github.com/example/shop/pull/412")
    (text,) = pull_request("412", "ssh://git.example.com/shop")
    assert (text.kind, text.text) == ("text", "#412")
    assert pull_request("", "https://github.com/example/shop") == ()


def test_a_row_names_the_service_only_where_the_column_has_several() -> None:
    row = deployment(author="Bo Lind", pull_request="412", live_seconds=4 * HOUR)
    alone = row_facts(row, name_service=False, own_time=False, live=False)
    assert as_text(alone) == "77ab0e1 · Bo Lind · #412 · was live 4 h, no data"
    shared = row_facts(row, name_service=True, own_time=False, live=False)
    assert as_text(shared).startswith("API · 77ab0e1 · ")


def test_a_row_shows_its_own_time_where_that_differs_from_the_rows() -> None:
    (_, _, time) = row_facts(deployment(), name_service=False, own_time=True, live=False)
    assert (time.kind, time.at) == ("time", datetime(2026, 11, 23, 13, 51, tzinfo=UTC))


@pytest.mark.parametrize(
    ("fields", "live", "text"),
    [
        ({"live_since": True}, True, "live 4 min"),
        ({"live_since": True, "live_seconds": 2 * HOUR}, True, "live 4 min, before 2 h"),
        ({"live_seconds": 2 * HOUR}, True, "before 2 h"),
        ({"live_seconds": 2 * HOUR}, False, "was live 2 h, no data"),
        ({"live_seconds": 2 * HOUR, **NUMBERS}, False, "was live 2 h, 5xx 0.1%"),
        ({"live_seconds": 2 * HOUR, **NUMBERS, "live_errors": 0}, False, "was live 2 h, 5xx 0%"),
        ({}, True, ""),
        ({}, False, ""),
    ],
)
def test_how_long_it_is_or_was_live(fields: dict[str, Any], live: bool, text: str) -> None:
    if fields.get("live_since"):
        fields = {**fields, "live_since": ago(minutes=4)}
    assert as_text(live_time(deployment(**fields), live=live)) == text


@pytest.mark.parametrize(
    ("fields", "live", "text"),
    [
        ({}, True, "now, since an unknown time"),
        ({"live_seconds": 2 * HOUR}, False, "2 h in all"),
        ({"served": True}, False, "once, for an unknown time"),
        ({"served": False}, False, "never, as far as Render reports"),
    ],
)
def test_the_page_of_a_deployment_says_whether_it_was_ever_live(
    fields: dict[str, Any], live: bool, text: str
) -> None:
    assert as_text(live_fact(deployment(**fields), live=live)) == text


def test_the_page_of_the_live_deployment_says_since_when_and_how_long_before() -> None:
    text = as_text(live_fact(deployment(live_since=ago(minutes=4), live_seconds=2 * HOUR), live=True))
    assert text.startswith("since ")
    assert text.endswith(", 4 min; before, 2 h")


def test_a_past_deployment_says_until_when_it_was_live() -> None:
    text = as_text(live_fact(deployment(live_seconds=2 * HOUR, live_until=ago(days=30)), live=False))
    assert text.startswith("2 h in all, last until ")


def test_the_commit_comes_with_its_branch_and_pull_request() -> None:
    whole = "77ab0e1" + "0" * 33
    assert as_text(commit_fact(deployment(branch="main", pull_request="412"))) == f"{whole} on main, #412"
    assert as_text(commit_fact(deployment(commit_sha=""))) == "unknown"


def test_the_target_of_an_operation_says_who_built_it_and_how_long_it_was_live() -> None:
    text = as_text(target_fact(deployment(author="Bo Lind", live_seconds=2 * HOUR)))
    assert text.startswith("77ab0e1 “Fix price rounding”, by Bo Lind, built ")
    assert text.endswith(", was live 2 h, no data")
    assert "by" not in as_text(target_fact(deployment()))


def test_what_an_operation_takes_away_says_since_when_it_is_live() -> None:
    text = as_text(live_before(deployment(live_since=ago(minutes=13))))
    assert text == "77ab0e1 “Fix price rounding”, live 13 min"
    assert as_text(live_before(deployment())) == "77ab0e1 “Fix price rounding”"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "by Ana Ruiz"),
        ({"reason": "500s"}, "by Ana Ruiz: 500s"),
        ({"reason": "500s", "incident": "INC-4"}, "by Ana Ruiz: 500s (INC-4)"),
    ],
)
def test_a_pin_says_since_when_by_whom_and_why(fields: dict[str, str], text: str) -> None:
    pinned_at = datetime(2026, 11, 23, 13, 51, tzinfo=UTC)
    fact = as_text(pin_fact(Pin(pinned_at=pinned_at, pinned_by="Ana Ruiz", **fields)))
    assert fact == f"since {time_of_day(pinned_at)} {text}"


@pytest.mark.parametrize(
    ("count", "opened", "listed", "more"),
    [(0, True, 0, 0), (5, True, 5, 0), (6, False, 6, 0), (31, False, 30, 1)],
)
def test_a_dialog_opens_a_few_commits_and_lists_no_more_than_thirty(
    count: int, opened: bool, listed: int, more: int
) -> None:
    commits = CommitList("", [Commit("77ab0e1" + "0" * 33, "Fix", "Bo Lind", "412")] * count, "")
    assert (commits.opened, len(commits.lines), commits.more) == (opened, listed, more)


def test_a_commit_in_a_dialog_names_its_author_and_its_pull_request() -> None:
    sha = "77ab0e1" + "0" * 33
    commits = CommitList("", [Commit(sha, "Fix", "Bo Lind", "412"), Commit(sha, "Fix", "Bo Lind", "")], "")
    assert [as_text(line) for line in commits.lines] == ["77ab0e1 Fix Bo Lind #412", "77ab0e1 Fix Bo Lind"]


@pytest.mark.parametrize(
    ("count", "verb", "text"),
    [
        (0, "go", "API built no commit in between"),
        (1, "go", "1 commit goes, as far as API built them"),
        (1, "come", "1 commit comes, as far as API built them"),
        (1, "return", "1 commit returns, as far as API built them"),
        (3, "go", "3 commits go, as far as API built them"),
    ],
)
def test_the_commits_between_are_counted(count: int, verb: str, text: str) -> None:
    assert commits_summary(count, verb, api()) == text


def test_where_no_commits_lie_between_the_reason_is_said() -> None:
    this, other = deployment(pk=1), deployment(pk=2, commit_sha="b" * 40)
    assert nothing_between(this, None).startswith("What is live is unknown")
    assert nothing_between(this, this) == "This is live."
    assert nothing_between(this, deployment(pk=3)) == "The same commit is live: no code lies between."
    assert nothing_between(this, other) == ""
    assert nothing_between(deployment(pk=1, commit_sha=""), deployment(pk=3, commit_sha="")) == ""


def test_an_empty_list_says_for_each_service_why() -> None:
    services = [api(synced_at=timezone.now()), api(name="shop-web", provider="vercel")]
    assert no_deployments(services) == "Render listed none for shop-api; shop-web has not been read yet."
    assert no_deployments([]) == ""


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "Render · branch main"),
        ({"branch": ""}, "Render"),
        ({"followed": False}, "Render · branch main · not followed, so it is not on the dashboard"),
    ],
)
def test_a_service_says_where_it_runs_and_whether_it_is_followed(fields: dict[str, Any], text: str) -> None:
    assert as_text(service_facts(api(**fields))) == text


def test_a_service_that_the_provider_no_longer_lists_says_since_when() -> None:
    text = as_text(service_facts(api(missing_since=ago(days=30), followed=False)))
    assert text.startswith("Render · branch main · no longer listed since ")
    assert "not followed" not in text
