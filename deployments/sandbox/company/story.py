"""The company that the sandbox plays: three weeks of deployments, and an incident that is under way."""

from __future__ import annotations

from random import Random
from typing import Any

from deployments.sandbox.company import commits as story
from deployments.sandbox.company.history import MINUTE, History
from deployments.sandbox.rows import Commit, Service
from deployments.sandbox.world import World

HOUR = 60 * MINUTE
DAY = 24 * HOUR
NEWEST_COMMIT_AGE = 18.2 * MINUTE  # then the API is live for 14 minutes and the web for 16
FIRST_PULL_REQUEST = 737


def small_company(**settings: Any) -> World:
    """`shop-api` at Render, `shop-web` at Vercel, one repository, and 8% of the API's answers are a 500.

    The settings are those of `World`: clock, pace, rules, seed. The same seed at the same time is the same
    world.
    """
    world = World(**settings)
    _hire(world)
    history = History(world, Random(world.seed))  # noqa: S311 - a story, not a secret
    began = world.now() - 21 * DAY
    api = _render_service(world, "shop-api", "shop", began, domains=["shop-api.onrender.com"])
    web = _vercel_project(
        world,
        "shop-web",
        "shop",
        began,
        domains=["shop.example.com", "www.shop.example.com", "shop-web.vercel.app"],
    )
    api.automatic = "checksPass"
    for number, (author, scope, subject) in enumerate(story.STORY):
        at = committed_at(world.now(), number, len(story.STORY))
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
    """Half of the services at Render, half at Vercel, in pairs; for measuring."""
    world = World(**settings)
    _hire(world)
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
            author, _, subject = story.STORY[number % len(story.STORY)]
            at = began + number * 3 * HOUR + pair * MINUTE
            commit = history.commit(
                f"{name}/{number}", author, f"{subject} (#{number + 1})", at, number=number + 1
            )
            failed = number % 17 == 5 and number < deployments - 1
            history.at_render(api, commit, ends="build_failed" if failed else "")
            if web:
                history.at_vercel(web, commit, ends="ERROR" if failed else "READY", preview=number % 11 == 7)
    return world


def _hire(world: World) -> None:
    world.people = {person.login: person for person in story.PEOPLE}


def _render_service(world: World, name: str, repo: str, at: float, *, domains: list[str]) -> Service:
    return world.add_service(
        Service(
            "render", world.mint("srv"), name, f"https://github.com/acme/{repo}", at, at, domains,
            root_dir="api", pre_deploy="python manage.py check --database default", requests_per_minute=900,
        )
    )  # fmt: skip


def _vercel_project(world: World, name: str, repo: str, at: float, *, domains: list[str]) -> Service:
    return world.add_service(
        Service(
            "vercel", world.mint("prj"), name, f"https://github.com/acme/{repo}", at, at, domains,
            root_dir="web", automatic="on", requests_per_minute=2400,
        )
    )  # fmt: skip


def committed_at(now: float, number: int, count: int) -> float:
    """When the company made this commit: about every seven hours for three weeks, the last four just now."""
    last = {1: NEWEST_COMMIT_AGE, 2: 2.2 * HOUR, 3: 3.1 * HOUR, 4: 5.4 * HOUR}
    from_end = count - number
    if from_end in last:
        return now - last[from_end]
    share = (from_end - 4) / (count - 4)
    wobble = 40 * MINUTE * ((number * 7) % 5 - 2)
    return now - 6 * HOUR - share * (20.7 * DAY - 6 * HOUR) + wobble


def _preview(
    history: History, web: Service, author: str, subject: str, merged_at: float, number: int
) -> None:
    if subject not in story.PREVIEWED:
        return
    words = "".join(letter for letter in subject.lower() if letter.isalpha() or letter == " ").split()
    pull_request = FIRST_PULL_REQUEST + number
    commit = history.commit(
        f"shop/branch/{number}", author, subject, merged_at - 100 * MINUTE, number=pull_request,
        branch=f"{author}/{'-'.join(words[:4])}",
    )  # fmt: skip
    history.at_vercel(web, commit, preview=True)


def _deploy_api(history: History, api: Service, commit: Commit, subject: str) -> None:
    world = history.world
    if subject == story.API_FIX:
        history.at_render(api, commit, at=commit.at + 90, trigger="manual", actor="ana")
        api.automatic = "checksPass"
        world.record(api, commit.at + 12 * MINUTE, "auto_deploy_enabled", "ana", newTrigger="checksPass")
        return
    if subject == story.INCIDENT:
        history.at_render(api, commit, at=commit.at + 21, error_rate=0.08, latency_ms=1450, lasts=165)
        return
    before = api.serving()
    broken = subject == story.API_BROKEN
    deploy = history.at_render(
        api, commit, ends=story.RENDER_ENDS.get(subject, ""), error_rate=0.12 if broken else None
    )
    if broken and before:
        at = (deploy.finished_at or commit.at) + 26 * MINUTE
        history.rolled_back_at_render(api, world.deployments[before], at, "ana")
        api.automatic = "off"


def _deploy_web(history: History, web: Service, commit: Commit, subject: str) -> None:
    before = web.production_id
    lasts = 95.0 if subject == story.INCIDENT else None
    row = history.at_vercel(web, commit, ends=story.VERCEL_ENDS.get(subject, "READY"), lasts=lasts)
    ended = row.finished_at or commit.at
    if subject == story.WEB_BROKEN and before:
        history.moved_at_vercel(
            web, history.world.deployments[before], ended + 24 * MINUTE, "chioma",
            kind="rollback", description="Basket button missing on phones",
        )  # fmt: skip
    elif subject == story.WEB_FIX:
        history.moved_at_vercel(web, row, ended + 9 * MINUTE, "chioma", kind="promote")
