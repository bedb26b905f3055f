"""Everything that exists in the sandbox: rows, what is going to happen to them, and their JSON."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import asdict, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from deployments.sandbox.clock import Clock, Pace, Rules, utcnow
from deployments.sandbox.rows import (
    AliasRequest,
    Commit,
    Deployment,
    Event,
    Person,
    ProviderWord,
    Received,
    Refusal,
    Service,
    Step,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Noun = TypeVar("Noun", bound="DataclassInstance")
LOWER = "0123456789abcdefghijklmnopqrstuvwxyz"
MIXED = LOWER + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
RECEIVED_KEPT = 1000

# prefix, alphabet and length of the providers' own identifiers
ID_SHAPES = {
    "srv": ("srv-", LOWER, 20),
    "dep": ("dep-", LOWER, 20),
    "evt": ("evt-", LOWER, 20),
    "prj": ("prj_", MIXED, 28),
    "dpl": ("dpl_", MIXED, 28),
    "uev": ("uev_", MIXED, 24),
}


def digits(seed: str, alphabet: str, length: int) -> str:
    """A word of that length which is always the same for the same seed."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest(), "big")
    word = ""
    while len(word) < length:
        number, digit = divmod(number, len(alphabet))
        word += alphabet[digit]
    return word


class State:
    """Rows by id, the deployments of each service oldest first, and the steps still to come."""

    def __init__(
        self,
        *,
        clock: Clock = utcnow,
        pace: Pace | None = None,
        rules: Rules | None = None,
        seed: int = 1,
        named: Mapping[str, str] | None = None,
    ) -> None:
        """`named` are commits whose SHA is that of a real repository."""
        self.named = dict(named or {})
        self.clock = clock
        self.pace = pace or Pace.local()
        self.rules = rules or Rules()
        self.seed = seed
        self.lock = threading.RLock()
        self.moment: float | None = None
        self.revision = 0  # grows with every change, so that it can be kept
        self.minted = 0
        self.people: dict[str, Person] = {}
        self.commits: dict[str, Commit] = {}
        self.services: dict[str, Service] = {}
        self.deployments: dict[str, Deployment] = {}
        self.history: dict[str, list[Deployment]] = {}
        self.events: list[Event] = []
        self.steps: list[Step] = []
        self.received: list[Received] = []

    # --- time ---

    def now(self) -> float:
        """While a step happens, its own time: it may have been due long ago."""
        return self.clock().timestamp() if self.moment is None else self.moment

    def later(self, at: float, name: str, subject: str) -> None:
        self.steps.append(Step(at, name, subject))

    def forget(self, subject: str) -> None:
        self.steps = [step for step in self.steps if step.subject != subject]

    def next_step(self, until: float) -> Step | None:
        """Take the earliest step that is due."""
        due = min(self.steps, key=attrgetter("at"), default=None)
        if due is None or due.at > until:
            return None
        self.steps.remove(due)
        return due

    # --- rows ---

    def mint(self, kind: str) -> str:
        self.minted += 1
        prefix, alphabet, length = ID_SHAPES[kind]
        return prefix + digits(f"{self.seed}/{kind}/{self.minted}", alphabet, length)

    def sha(self, name: str) -> str:
        if name in self.named:
            return self.named[name]
        return hashlib.sha1(f"{self.seed}/commit/{name}".encode(), usedforsecurity=False).hexdigest()

    def add_service(self, service: Service) -> Service:
        self.services[service.id] = service
        self.history[service.id] = []
        return service

    def add(self, deployment: Deployment) -> Deployment:
        history = self.history[deployment.service_id]
        if history and deployment.created_at <= history[-1].created_at:
            deployment.created_at = history[-1].created_at + 0.001  # paging goes by this time
        self.deployments[deployment.id] = deployment
        history.append(deployment)
        self.revision += 1
        return deployment

    def record(self, service: Service, at: float, kind: str, actor: str, **data: Any) -> None:
        shape = "evt" if service.provider == "render" else "uev"
        self.events.append(Event(self.mint(shape), service.id, at, kind, actor, data))
        self.revision += 1

    def receive(self, entry: Received) -> None:
        self.received = [*self.received[-RECEIVED_KEPT + 1 :], entry]
        self.revision += 1

    # --- questions ---

    def of(self, provider: ProviderWord) -> list[Service]:
        return [service for service in self.services.values() if service.provider == provider]

    def find_deployment(self, service: Service, deployment_id: str) -> Deployment:
        found = self.deployments.get(deployment_id)
        if found is None or found.service_id != service.id:
            noun = "deploy not found" if service.provider == "render" else "Deployment not found."
            raise Refusal(404, noun)
        return found

    def newest_first(self, service: Service) -> list[Deployment]:
        return self.history[service.id][::-1]

    # --- JSON ---

    def to_json(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "minted": self.minted,
            "rules": asdict(self.rules),
            "people": [asdict(row) for row in self.people.values()],
            "commits": [asdict(row) for row in self.commits.values()],
            "services": [asdict(row) for row in self.services.values()],
            "deployments": [asdict(row) for row in self.deployments.values()],
            "events": [asdict(row) for row in self.events],
            "steps": [asdict(row) for row in self.steps],
            "received": [asdict(row) for row in self.received],
        }

    def fill(self, data: dict[str, Any]) -> None:
        """Take over what `to_json` gave."""
        self.minted = data["minted"]
        self.rules = made(Rules, data["rules"])
        self.people = {row["login"]: made(Person, row) for row in data["people"]}
        self.commits = {row["sha"]: made(Commit, row) for row in data["commits"]}
        for row in data["services"]:
            self.add_service(service_from(row))
        for row in data["deployments"]:
            self.add(made(Deployment, row))
        self.events = [made(Event, row) for row in data["events"]]
        self.steps = [made(Step, row) for row in data["steps"]]
        self.received = [made(Received, row) for row in data["received"]]


def made(noun: type[Noun], row: dict[str, Any]) -> Noun:
    """A row from its JSON, which an older or newer sandbox may have written."""
    known = {field.name for field in fields(noun)}
    return noun(**{name: value for name, value in row.items() if name in known})


def service_from(row: dict[str, Any]) -> Service:
    service = made(Service, row)
    service.served = [(since, deployment_id) for since, deployment_id in row["served"]]
    if row["alias_request"]:
        service.alias_request = made(AliasRequest, row["alias_request"])
    return service
