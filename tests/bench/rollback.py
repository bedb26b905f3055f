"""Measures a rollback from the click to "succeeded": the portal and `vercel rollback` in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rollback_portal.processes.supervised import CannotRun, wait_until
from tests.bench.cli import Cli, NotHere
from tests.bench.person import Person
from tests.bench.portal import Portal
from tests.bench.table import say, seconds, table

VERCEL, RENDER = "shop-web", "shop-api"
# Long enough to stand out from the overheads, and the same for both.
PACE = {"aliases": 2.0, "queue": 1.0, "release": 3.0}
HEAD = ("", "min", "median", "max")


@dataclass(frozen=True, slots=True)
class Took:
    """The stages of one rollback, in seconds."""

    before: float  # from the person's click until the order reached the provider
    provider: float  # the provider's own time: from the order until the traffic had moved
    after: float  # from then until the row, or the command line, reported it
    shown: float | None = None  # from then until the page showed it; the command line has no page
    stages: dict[str, float] = field(default_factory=dict)  # the parts of `before`

    @property
    def total(self) -> float:
        return self.before + self.provider + self.after


@dataclass(frozen=True, slots=True)
class Seen:
    """One rollback by the portal as seen from outside, before its row is read; times in seconds."""

    operation: str
    began: float
    ordered: float
    moved: float
    shown: float


def measure(portal: Portal, pairs: int) -> None:
    """Print both providers' figures."""
    portal.pace(**PACE)
    ana = portal.person("ana")
    cli = command_line()
    ours, theirs = on_vercel(portal, ana, cli, pairs)
    print_vercel(with_rows(portal, ours), theirs, cli)
    ways = candidates(ana, RENDER, pairs)
    print_render(with_rows(portal, [by_portal(portal, ana, RENDER, where) for where in ways]))


def command_line() -> Cli | None:
    try:
        return Cli()
    except NotHere as why:
        say(f"  {why}: the portal's figures stand alone.\n")
        return None


def on_vercel(portal: Portal, ana: Person, cli: Cli | None, pairs: int) -> tuple[list[Seen], list[Took]]:
    """In turn, on the same project, each to the next older deployment."""
    ways = candidates(ana, VERCEL, pairs * 2 if cli else pairs)
    ours: list[Seen] = []
    theirs: list[Took] = []
    for _ in range(pairs):
        ours.append(by_portal(portal, ana, VERCEL, ways.pop(0)))
        if cli:
            theirs.append(by_cli(portal, cli, ways.pop(0)))
    return ours, theirs


def candidates(ana: Person, slug: str, needed: int) -> list[str]:
    addresses = ana.candidates(slug)
    if len(addresses) < needed:
        raise CannotRun(f"{slug} offers {len(addresses)} deployments to roll back to; {needed} are needed.")
    return addresses[:needed]


def by_portal(portal: Portal, ana: Person, slug: str, confirm: str) -> Seen:
    live = portal.live(slug)
    began, page = ana.start(confirm)
    shown = ana.follow(page)
    operation = page.split("/")[2]
    wait_for_another(live, portal, slug, operation)
    ordered, moved = provider_time(portal.world(), slug, target_of(confirm))
    return Seen(operation, began, ordered, moved, shown)


def wait_for_another(live: str, portal: Portal, slug: str, operation: str) -> None:
    """Wait for the sync after the operation: a dialog opened before it names the old live deployment.

    Confirming such a dialog is refused.
    """
    if not wait_until(lambda: portal.live(slug) not in ("", live), 40, pause=0.2):
        row = portal.inside("status_times", operation)[operation]
        raise CannotRun(f"{slug} was not moved, the operation is {row['status']}: {row['message']}")


def target_of(confirm: str) -> str:
    return confirm.split("/")[4]


def with_rows(portal: Portal, all_seen: Sequence[Seen]) -> list[Took]:
    """Combine the observed times with those of the rows."""
    rows = portal.inside("status_times", *(seen.operation for seen in all_seen))
    return [_took(seen, rows[seen.operation]) for seen in all_seen]


def _took(seen: Seen, row: dict[str, Any]) -> Took:
    if row["status"] != "succeeded":
        raise CannotRun(f"An operation ended as {row['status']}: {row['message']}")
    return Took(
        before=seen.ordered - seen.began,
        provider=seen.moved - seen.ordered,
        after=row["ended"] - seen.moved,
        shown=seen.shown - row["ended"],
        stages=stages(seen.began, row["reached"], seen.ordered),
    )


def stages(began: float, reached: dict[str, float], ordered: float) -> dict[str, float]:
    """Return the parts of the time before the order."""
    return {
        "the row is written": reached["queued"] - began,
        "a worker has it and has looked": reached["sending"] - reached["queued"],
        "the order arrives": ordered - reached["sending"],
    }


def by_cli(portal: Portal, cli: Cli, confirm: str) -> Took:
    target = target_of(confirm)
    began, ended = cli.roll_back(target, portal.sandbox_address)
    ordered, moved = provider_time(portal.world(), VERCEL, target)
    if not wait_until(lambda: portal.live(VERCEL, fresh=True) == target, 40, pause=0.5):
        raise CannotRun(f"The portal did not notice that the command line rolled {VERCEL} back to {target}.")
    return Took(before=ordered - began, provider=moved - ordered, after=ended - moved)


def provider_time(world: dict[str, Any], name: str, target: str) -> tuple[float, float]:
    """Return when the order arrived and when the traffic had moved, from the sandbox's state."""
    service = next(row for row in world["services"] if row["name"] == name)
    rows = [row for row in world["deployments"] if row["service_id"] == service["id"]]
    if service["provider"] == "vercel":
        request = service["alias_request"]
        moved = next(row["aliased_at"] for row in rows if row["id"] == target)
        if request["to_id"] != target or request["status"] != "succeeded":
            raise CannotRun(f"The sandbox has not moved {name} to {target}: {request}.")
        return float(request["requested_at"]), float(moved)
    done = [row for row in rows if row["rollback_target"] == target and row["status"] == "live"]
    if not done:
        raise CannotRun(f"The sandbox has not moved {name} to {target}.")
    return float(done[-1]["created_at"]), float(done[-1]["finished_at"])


def print_vercel(ours: Sequence[Took], theirs: Sequence[Took], cli: Cli | None) -> None:
    say(f"Vercel: {len(ours)} rollbacks by the portal{', as many by the command line' if cli else ''}")
    rows = figures("portal", ours)
    if cli:
        rows += [[""] * len(HEAD), *figures(f"vercel rollback {cli.version}", theirs)]
    table(HEAD, rows)


def print_render(ours: Sequence[Took]) -> None:
    say(f"Render: {len(ours)} rollbacks by the portal")
    table(HEAD, figures("portal", ours))


def figures(name: str, all_took: Sequence[Took]) -> list[list[str]]:
    """Return the rows of the total time and its parts."""
    rows = [[f"{name}: act until success", *spread(all_took, lambda took: took.total)]]
    has_page = all_took[0].shown is not None
    if has_page:
        rows.append([f"{name}: act until the page says so", *spread(all_took, on_page)])
    rows.append(["  until the provider has the order", *spread(all_took, lambda took: took.before)])
    for stage in all_took[0].stages:
        rows.append([f"    {stage}", *seconds([took.stages[stage] for took in all_took])])
    rows.append(["  the provider's own time", *spread(all_took, lambda took: took.provider)])
    rows.append(["  from traffic moved until success", *spread(all_took, lambda took: took.after)])
    if has_page:
        rows.append(
            ["  from success until the page says so", *seconds([took.shown or 0 for took in all_took])]
        )
    return rows


def on_page(took: Took) -> float:
    return took.total + (took.shown or 0.0)


def spread(all_took: Sequence[Took], of: Callable[[Took], float]) -> list[str]:
    return seconds([of(took) for took in all_took])
