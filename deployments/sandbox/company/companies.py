"""The sandbox companies: three weeks of deployments that end in an incident, and a big one for benchmarks."""

from __future__ import annotations

from random import Random
from typing import Any

from deployments.sandbox.company import commits
from deployments.sandbox.company.history import MINUTE, History
from deployments.sandbox.rows import CommitRow, ServiceRow
from deployments.sandbox.world import World

HOUR = 60 * MINUTE
DAY = 24 * HOUR
NEWEST_COMMIT_AGE = 18.2 * MINUTE  # then the API is live for 14 minutes and the web for 16
FIRST_PULL_REQUEST = 737


def small_company(**settings: Any) -> World:
    """`shop-api` at Render and `shop-web` at Vercel, from one repository; 8% of the API's responses are 500.

    The settings are those of `World`: clock, pace, rules, seed. The same seed at the same time gives the
    same world.
    """
    world = World(**settings)
    _add_people(world)
    history = History(world, Random(world.seed))  # noqa: S311 - example data, no secret
    began = world.now() - 21 * DAY
    api = _render_service(world, "shop-api", "shop", began, domains=["shop-api.onrender.com"])
    web = _vercel_project(
        world,
        "shop-web",
        "shop",
        began,
        domains=["shop.example.com", "www.shop.example.com", "shop-web.vercel.app"],
    )
    api.auto_deploy = "checksPass"
    for number, (author, scope, subject) in enumerate(commits.COMMIT_LOG):
        at = committed_at(world.now(), number, len(commits.COMMIT_LOG))
        _preview(history, web, author, subject, at, number)
        commit = history.commit(
            f"shop/{number}", author, f"{subject} (#{FIRST_PULL_REQUEST + number})", at,
            number=FIRST_PULL_REQUEST + number,
        )  # fmt: skip
        if scope in "ba":
            _deploy_api(history, api, commit, subject)
        if scope in "bw":
            _deploy_web(history, web, commit, subject)
    return world


def big_company(services: int = 10, deployments: int = 1000, **settings: Any) -> World:
    """Half of the services at Render, half at Vercel, in pairs; for benchmarks."""
    world = World(**settings)
    _add_people(world)
    history = History(world, Random(world.seed))  # noqa: S311
    now = world.now()
    began = now - deployments * 3 * HOUR
    for pair in range((services + 1) // 2):
        name = f"team{pair + 1}"
        api = _render_service(world, f"{name}-api", name, began, domains=[f"{name}-api.onrender.com"])
        web = None
        if 2 * pair + 1 < services:
            web = _vercel_project(world, f"{name}-web", name, began, domains=[f"{name}.example.com"])
        for number in range(deployments):
            author, _, subject = commits.COMMIT_LOG[number % len(commits.COMMIT_LOG)]
            at = began + number * 3 * HOUR + pair * MINUTE
            commit = history.commit(
                f"{name}/{number}", author, f"{subject} (#{number + 1})", at, number=number + 1
            )
            failed = number % 17 == 5 and number < deployments - 1
            history.at_render(api, commit, ends="build_failed" if failed else "")
            if web:
                history.at_vercel(web, commit, ends="ERROR" if failed else "READY", preview=number % 11 == 7)
    return world


def wide_company(**settings: Any) -> World:
    """A hundred services at Render and a hundred projects at Vercel, with little history each."""
    return big_company(200, 4, **settings)


def _add_people(world: World) -> None:
    world.people = {person.login: person for person in commits.PEOPLE}


def _render_service(world: World, name: str, repo: str, at: float, *, domains: list[str]) -> ServiceRow:
    return world.add_service(
        ServiceRow(
            "render", world.mint("srv"), name, f"https://github.com/acme/{repo}", at, at, domains,
            root_dir="api", pre_deploy="python manage.py check --database default", requests_per_minute=900,
        )
    )  # fmt: skip


def _vercel_project(world: World, name: str, repo: str, at: float, *, domains: list[str]) -> ServiceRow:
    return world.add_service(
        ServiceRow(
            "vercel", world.mint("prj"), name, f"https://github.com/acme/{repo}", at, at, domains,
            root_dir="web", auto_deploy="on", requests_per_minute=2400,
        )
    )  # fmt: skip


def committed_at(now: float, number: int, count: int) -> float:
    """When the company made a commit: one in about seven hours, and the last four within six hours."""
    newest = {1: NEWEST_COMMIT_AGE, 2: 2.2 * HOUR, 3: 3.1 * HOUR, 4: 5.4 * HOUR}
    from_end = count - number
    if from_end in newest:
        return now - newest[from_end]
    share = (from_end - 4) / (count - 4)
    jitter = 40 * MINUTE * ((number * 7) % 5 - 2)
    return now - 6 * HOUR - share * (20.7 * DAY - 6 * HOUR) + jitter


def _preview(
    history: History, web: ServiceRow, author: str, subject: str, merged_at: float, number: int
) -> None:
    if subject not in commits.PREVIEWED:
        return
    words = "".join(letter for letter in subject.lower() if letter.isalpha() or letter == " ").split()
    pull_request = FIRST_PULL_REQUEST + number
    commit = history.commit(
        f"shop/branch/{number}", author, subject, merged_at - 100 * MINUTE, number=pull_request,
        branch=f"{author}/{'-'.join(words[:4])}",
    )  # fmt: skip
    history.at_vercel(web, commit, preview=True)


def _deploy_api(history: History, api: ServiceRow, commit: CommitRow, subject: str) -> None:
    world = history.world
    if subject == commits.API_FIX:
        history.at_render(api, commit, at=commit.at + 90, trigger="manual", actor="ana")
        api.auto_deploy = "checksPass"
        world.record(api, commit.at + 12 * MINUTE, "auto_deploy_enabled", "ana", newTrigger="checksPass")
        return
    if subject == commits.INCIDENT:
        history.at_render(api, commit, at=commit.at + 21, error_rate=0.08, latency_ms=1450, lasts=165)
        return
    before = api.serving()
    broken = subject == commits.API_BROKEN
    deploy = history.at_render(
        api, commit, ends=commits.RENDER_ENDS.get(subject, ""), error_rate=0.12 if broken else None
    )
    if broken and before:
        at = (deploy.finished_at or commit.at) + 26 * MINUTE
        history.rolled_back_at_render(api, world.deployments[before], at, "ana")
        api.auto_deploy = "off"


def _deploy_web(history: History, web: ServiceRow, commit: CommitRow, subject: str) -> None:
    before = web.production_id
    lasts = 95.0 if subject == commits.INCIDENT else None
    row = history.at_vercel(web, commit, ends=commits.VERCEL_ENDS.get(subject, "READY"), lasts=lasts)
    ended = row.finished_at or commit.at
    if subject == commits.WEB_BROKEN and before:
        history.moved_at_vercel(
            web, history.world.deployments[before], ended + 24 * MINUTE, "chioma",
            kind="rollback", description="Basket button missing on phones",
        )  # fmt: skip
    elif subject == commits.WEB_FIX:
        history.moved_at_vercel(web, row, ended + 9 * MINUTE, "chioma", kind="promote")
