"""Faults that can be injected, per call and while the sandbox runs.

A fault names an operation (`on`, with `*` as a wildcard), what to do there (`do`), and how often
(`times`; None means until it is cleared). With `service`, a name or an id, only calls about that one fail.
`detail` and `seconds` refine it:

    slow              applied; the response comes after `seconds`
    rate_limit        429 with the provider's headers and `seconds` to wait (30). `detail`:
                      Render `delta` or `epoch`, Vercel `seconds`, `date` (of Retry-After) or `domains`
                      (the newer body); `silent` leaves Retry-After away
    error             the status in `detail` (500); not applied
    error_after       the same, but applied
    unauthorized      401
    forbidden         403
    plan              402
    conflict          409
    already_current   Vercel: rollback 422, promote 409; Render 400
    missing           404
    gone              410
    drop_before       the connection ends without a response; not applied
    drop_after        the same, but applied
    refuse_connection the connection fails (over real HTTP: it ends at once)
    not_json          applied; the response is an HTML page with the right status
    cut_off           applied; the response ends in the middle
    bad_bytes         applied; each text in the response begins with a byte that is no UTF-8
    omit              the field `detail` (dots for inner ones) is missing from the response
    replace           `field=value`: that field has another value, an unknown status for example
    rename            `field=name`: that field goes by another name, wherever it is
    empty             every list in the response is empty
    leave_out         rows with the id in `detail` are missing from the response's lists
    late              render.metrics: the newest points are not there yet, `detail` of them (4)
    gaps              render.metrics: each so many-th point is missing, by `detail` (3)
    shuffle           render.metrics: the points are in another order, and some come twice
    lie_live          rollback, promote: reported as live or succeeded while the old deployment serves. On
                      Vercel `detail` `everything` makes `alias[]` wrong too; after `seconds` it comes true
    fail              rollback, promote, deploy: accepted, but fails in the end
    fail_aliases      Vercel rollback, promote: the domains in `detail` (comma; else the last one) do not move
    stuck             rollback, promote, deploy: accepted, but never ends; a move at Vercel goes on after
                      `seconds`
    queue_behind      Render: another deploy is running first. Vercel promote: 202, a rolling release is

Operation names. Render: render.services, render.service, render.service.patch, render.custom_domains,
render.environment, render.deploys, render.deploy, render.deploy.create, render.cancel, render.rollback,
render.events, render.event, render.logs, render.log_values, render.metrics, render.instances, render.owners,
render.user. Vercel:
vercel.projects, vercel.project, vercel.project.patch, vercel.deployments, vercel.deployment,
vercel.deployment.create, vercel.cancel, vercel.rollback, vercel.promote, vercel.describe,
vercel.alias_jobs, vercel.deployment.aliases, vercel.aliases, vercel.events, vercel.build_events,
vercel.builds, vercel.runtime_logs, vercel.request_logs, vercel.rolling, vercel.rolling.config,
vercel.rolling.start, vercel.rolling.complete, vercel.user, vercel.team, vercel.teams. Public addresses:
public.page, public.health. Status pages: status.render, status.vercel.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from deployments.sandbox.rows import ApiRefusal
from deployments.sandbox.server.http import Request, SandboxResponse

OUTCOME_FAULTS = (
    "lie_live",
    "fail",
    "fail_aliases",
    "stuck",
    "queue_behind",
)  # change how an accepted order ends
REFUSALS = {
    "unauthorized": 401, "plan": 402, "forbidden": 403, "missing": 404, "conflict": 409,
    "already_current": 422, "gone": 410,
}  # fmt: skip
BEFORE = ("rate_limit", "error", "drop_before", "refuse_connection", *REFUSALS)
AFTER = (
    "slow", "error_after", "drop_after", "not_json", "cut_off", "bad_bytes", "omit", "replace", "rename",
    "empty", "leave_out", "late", "gaps", "shuffle",
)  # fmt: skip
KINDS = (*BEFORE, *AFTER, *OUTCOME_FAULTS)


@dataclass(slots=True)
class Fault:
    """One armed fault; see the module docstring. Raises ValueError for an unknown `do`."""

    on: str
    do: str
    times: int | None = 1
    seconds: float | None = None
    detail: str = ""
    service: str = ""

    def matches(self, operation: str, names: Collection[str]) -> bool:
        return fnmatchcase(operation, self.on) and (not self.service or self.service in names)

    def __post_init__(self) -> None:
        if self.do not in KINDS:
            raise ValueError(f"There is no fault {self.do}; there are: {', '.join(sorted(KINDS))}.")


class Faults:
    """The armed faults. Several may match one call; each one counts the calls that it matched."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._armed += faults

    def clear(self) -> None:
        with self._lock:
            self._armed = []

    def to_json(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._armed]

    def take(self, operation: str, header: str = "", names: Collection[str] = ()) -> list[Fault]:
        """The faults of this call; `names` are the name and the id of the service that it is about."""
        with self._lock:
            matching = [fault for fault in self._armed if fault.matches(operation, names)]
            for fault in matching:
                if fault.times is not None:
                    fault.times -= 1
            self._armed = [fault for fault in self._armed if fault.times is None or fault.times > 0]
        return matching + from_header(header)


def from_header(header: str) -> list[Fault]:
    """`X-Sandbox-Fault: slow;seconds=2, error;detail=503`, for this one call."""
    faults = []
    for part in filter(None, (word.strip() for word in header.split(","))):
        do, *settings = (word.strip() for word in part.split(";"))
        words = dict(word.split("=", 1) for word in settings if "=" in word)
        seconds = float(words["seconds"]) if "seconds" in words else None
        faults.append(Fault("*", do, seconds=seconds, detail=words.get("detail", "")))
    return faults


def attach_outcome_faults(request: Request, faults: list[Fault]) -> None:
    """Give the handler the faults that decide how its order ends."""
    for fault in faults:
        if fault.do in OUTCOME_FAULTS:
            request.outcome_faults[fault.do] = fault.detail
            if fault.seconds is not None:
                request.seconds[fault.do] = fault.seconds


def immediate_response(faults: list[Fault]) -> SandboxResponse | Fault | None:
    """A response without any work, or a fault that the provider's API has to format, or None."""
    for fault in faults:
        if fault.do in ("drop_before", "refuse_connection"):
            return SandboxResponse(0, outcome="dropped" if fault.do == "drop_before" else "refused")
        if fault.do in BEFORE:
            return fault
    return None


def refusal(fault: Fault, order_kind: str = "") -> ApiRefusal:
    """The refusal that a fault stands for; Vercel has two statuses for "already current"."""
    status = REFUSALS.get(fault.do) or int(fault.detail or 500)
    if fault.do == "already_current" and order_kind == "promote":
        status = 409
    return ApiRefusal(status, "" if fault.do == "error" else fault.detail, fault.do)


def alter_response(answer: SandboxResponse, faults: list[Fault]) -> SandboxResponse:
    """Apply the faults that change a response after the work is done."""
    for fault in faults:
        if fault.do == "slow":
            answer.delay += fault.seconds if fault.seconds is not None else 5.0
        elif fault.do == "drop_after":
            answer.outcome = "dropped"
        elif fault.do == "not_json":
            page = "<!doctype html><title>Just a moment</title><p>Checking your connection."
            answer = SandboxResponse.html(page, answer.status)
        elif fault.do == "cut_off":
            answer.body = answer.body[: len(answer.body) // 2]
        elif fault.do == "bad_bytes":
            answer.body = answer.body.replace(b'message":"', b'message":"\xff')
        elif fault.do == "omit":
            answer.body = _edited(answer.body, fault.detail, None)
        elif fault.do == "replace":
            name, _, word = fault.detail.partition("=")
            answer.body = _edited(answer.body, name, word)
        elif fault.do in REBUILD and answer.body:
            answer.body = json.dumps(REBUILD[fault.do](json.loads(answer.body), fault.detail)).encode()
    return answer


def _renamed(data: Any, detail: str) -> Any:
    old, _, new = detail.partition("=")
    if isinstance(data, dict):
        return {new if name == old else name: _renamed(value, detail) for name, value in data.items()}
    return [_renamed(row, detail) for row in data] if isinstance(data, list) else data


def _emptied(data: Any, detail: str) -> Any:
    if isinstance(data, dict):
        return {name: [] if isinstance(value, list) else value for name, value in data.items()}
    return [] if isinstance(data, list) else data


def _without(data: Any, detail: str) -> Any:
    if isinstance(data, dict):
        return {name: _without(value, detail) for name, value in data.items()}
    return [row for row in data if detail not in _ids(row)] if isinstance(data, list) else data


def _ids(row: Any) -> list[Any]:
    """The ids of a row of a list: its own, or of the one object that Render wraps."""
    inner = [value for value in row.values() if isinstance(value, dict)] if isinstance(row, dict) else []
    return [one.get(name) for one in (row, *inner) if isinstance(one, dict) for name in ("id", "uid")]


def _late(data: Any, detail: str) -> Any:
    return _with_values(data, lambda values: values[: -int(detail or 4)])


def _with_gaps(data: Any, detail: str) -> Any:
    each = int(detail or 3)
    return _with_values(data, lambda values: [one for number, one in enumerate(values) if number % each])


def _shuffled(data: Any, detail: str) -> Any:
    return _with_values(data, lambda values: [*values[1::2], *reversed(values)])


def _with_values(data: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    """Metric series, each with other `values`; anything else stays as it is."""
    if not isinstance(data, list):
        return data
    return [{**row, "values": change(row["values"])} if "values" in row else row for row in data]


REBUILD: dict[str, Callable[[Any, str], Any]] = {
    "rename": _renamed,
    "empty": _emptied,
    "leave_out": _without,
    "late": _late,
    "gaps": _with_gaps,
    "shuffle": _shuffled,
}


def _edited(body: bytes, path: str, word: str | None) -> bytes:
    """The JSON body without a field, or with another value in it; in every row of a list."""
    if not body:
        return body
    data = json.loads(body)
    _edit(data, path.split("."), word)
    return json.dumps(data).encode()


def _edit(data: Any, path: list[str], word: str | None) -> None:
    if isinstance(data, list):
        for row in data:
            _edit(row, path, word)
    elif isinstance(data, dict) and path[0] in data:
        if len(path) > 1:
            _edit(data[path[0]], path[1:], word)
        elif word is None:
            del data[path[0]]
        else:
            data[path[0]] = word
