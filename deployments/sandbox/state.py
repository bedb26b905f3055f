"""The sandbox's state: its rows, the changes scheduled for them, and both as JSON."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import asdict, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from deployments.sandbox.clock import Clock, Pace, Rules, utcnow
from deployments.sandbox.rows import (
    AliasRequestRow,
    ApiRefusal,
    CommitRow,
    CourseStep,
    DeploymentRow,
    EventRow,
    PersonRow,
    ProviderWord,
    ReceivedOrder,
    ScheduledStep,
    ServiceRow,
    StatusIncidentRow,
    TroubleRow,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

RowType = TypeVar("RowType", bound="DataclassInstance")
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
    """A random-looking string of that length, always the same for the same seed."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest(), "big")
    word = ""
    while len(word) < length:
        number, digit = divmod(number, len(alphabet))
        word += alphabet[digit]
    return word


class SandboxState:
    """Rows by id, the deployments of each service (oldest first), and the scheduled steps."""

    def __init__(
        self,
        *,
        clock: Clock = utcnow,
        pace: Pace | None = None,
        rules: Rules | None = None,
        seed: int = 1,
        named: Mapping[str, str] | None = None,
    ) -> None:
        """`named` maps names of commits to the SHAs that they have in a real repository."""
        self.named = dict(named or {})
        self.clock = clock
        self.pace = pace or Pace.local()
        self.rules = rules or Rules()
        self.seed = seed
        self.lock = threading.RLock()
        self.step_time: float | None = None
        self.revision = 0  # counts the changes, so that only a changed state is saved
        self.minted = 0
        self.people: dict[str, PersonRow] = {}
        self.commits: dict[str, CommitRow] = {}
        self.services: dict[str, ServiceRow] = {}
        self.deployments: dict[str, DeploymentRow] = {}
        self.history: dict[str, list[DeploymentRow]] = {}
        self.events: list[EventRow] = []
        self.steps: list[ScheduledStep] = []
        self.received: list[ReceivedOrder] = []
        self.incidents: list[StatusIncidentRow] = []

    # --- Time ---

    def now(self) -> float:
        """The time; while a step runs, the time at which it was due, which may be long ago."""
        return self.clock().timestamp() if self.step_time is None else self.step_time

    def schedule(self, at: float, name: str, subject: str) -> None:
        self.steps.append(ScheduledStep(at, name, subject))

    def unschedule(self, subject: str) -> None:
        self.steps = [step for step in self.steps if step.subject != subject]

    def next_step(self, until: float) -> ScheduledStep | None:
        """Remove and return the earliest step that is due, or None."""
        due = min(self.steps, key=attrgetter("at"), default=None)
        if due is None or due.at > until:
            return None
        self.steps.remove(due)
        return due

    # --- Rows ---

    def mint(self, kind: str) -> str:
        self.minted += 1
        prefix, alphabet, length = ID_SHAPES[kind]
        return prefix + digits(f"{self.seed}/{kind}/{self.minted}", alphabet, length)

    def sha(self, name: str) -> str:
        if name in self.named:
            return self.named[name]
        return hashlib.sha1(f"{self.seed}/commit/{name}".encode(), usedforsecurity=False).hexdigest()

    def add_service(self, service: ServiceRow) -> ServiceRow:
        self.services[service.id] = service
        self.history[service.id] = []
        return service

    def add(self, deployment: DeploymentRow) -> DeploymentRow:
        history = self.history[deployment.service_id]
        if history and deployment.created_at <= history[-1].created_at:
            deployment.created_at = history[-1].created_at + 0.001  # paging goes by this time
        self.deployments[deployment.id] = deployment
        history.append(deployment)
        self.revision += 1
        return deployment

    def record(self, service: ServiceRow, at: float, kind: str, actor: str, **data: Any) -> None:
        shape = "evt" if service.provider == "render" else "uev"
        self.events.append(EventRow(self.mint(shape), service.id, at, kind, actor, data))
        self.revision += 1

    def record_order(self, entry: ReceivedOrder) -> None:
        self.received = [*self.received[-RECEIVED_KEPT + 1 :], entry]
        self.revision += 1

    # --- Queries ---

    def of(self, provider: ProviderWord) -> list[ServiceRow]:
        return [service for service in self.services.values() if service.provider == provider]

    def find_deployment(self, service: ServiceRow, deployment_id: str) -> DeploymentRow:
        deployment = self.deployments.get(deployment_id)
        if deployment is None or deployment.service_id != service.id:
            message = "deploy not found" if service.provider == "render" else "Deployment not found."
            raise ApiRefusal(404, message)
        return deployment

    def newest_first(self, service: ServiceRow) -> list[DeploymentRow]:
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
            "incidents": [asdict(row) for row in self.incidents],
        }

    def fill(self, data: dict[str, Any]) -> None:
        """Load what `to_json` returned."""
        self.minted = data["minted"]
        self.rules = row_from_json(Rules, data["rules"])
        self.people = {row["login"]: row_from_json(PersonRow, row) for row in data["people"]}
        self.commits = {row["sha"]: row_from_json(CommitRow, row) for row in data["commits"]}
        for row in data["services"]:
            self.add_service(service_from(row))
        for row in data["deployments"]:
            self.add(deployment_from(row))
        self.events = [row_from_json(EventRow, row) for row in data["events"]]
        self.steps = [row_from_json(ScheduledStep, row) for row in data["steps"]]
        self.received = [row_from_json(ReceivedOrder, row) for row in data["received"]]
        self.incidents = [row_from_json(StatusIncidentRow, row) for row in data.get("incidents", [])]


def row_from_json(row_type: type[RowType], row: dict[str, Any]) -> RowType:
    """A row from its JSON; fields that this version does not know are ignored."""
    known = {field.name for field in fields(row_type)}
    return row_type(**{name: value for name, value in row.items() if name in known})


def deployment_from(row: dict[str, Any]) -> DeploymentRow:
    deployment = row_from_json(DeploymentRow, row)
    deployment.course = [row_from_json(CourseStep, step) for step in row.get("course", [])]
    return deployment


def service_from(row: dict[str, Any]) -> ServiceRow:
    service = row_from_json(ServiceRow, row)
    service.written = [(at, text, level) for at, text, level in row.get("written", ())]
    service.live_history = [(since, deployment_id) for since, deployment_id in row["live_history"]]
    service.troubles = [row_from_json(TroubleRow, one) for one in row.get("troubles", [])]
    if row["alias_request"]:
        service.alias_request = row_from_json(AliasRequestRow, row["alias_request"])
    return service
