"""Asks the public addresses of a service which version they serve, as any user would.

A provider's word "live" is not proof. The answer here is: so many of so many requests were answered by this
commit. What cannot be asked, or answers without a version, is unknown and never a yes.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from deployments.providers.json_fields import plain
from deployments.providers.public_network import PublicNetwork

VERSION_HEADER = "X-Version"
TIMEOUT = 5.0  # seconds, for each phase and for the whole answer
LARGEST_PAGE = 64 * 1024  # bytes that we read of it
GIVE_UP_AFTER = 2  # tries without an answer at one address
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
SHORTEST_SHA = 7


@dataclass(frozen=True, slots=True)
class Glance:
    """One request: the status (0: no answer) and the version, "" where it names none."""

    address: str
    status: int
    version: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ServedAnswer:
    """What the addresses said: `agree` of `of` requests were answered by the version `sha`."""

    sha: str  # the version seen most often, "" where none was seen
    agree: int
    of: int
    message: str
    glances: tuple[Glance, ...] = ()

    @property
    def statuses(self) -> dict[int, int]:
        """How often each status came; 0 stands for no answer."""
        return dict(Counter(glance.status for glance in self.glances))

    @property
    def error_share(self) -> float | None:
        """The share of 5xx among the answers; None where nothing answered."""
        answered = [glance.status for glance in self.glances if glance.status]
        return sum(status >= 500 for status in answered) / len(answered) if answered else None

    def serves(self, commit_sha: str) -> bool | None:
        """True only where every request was answered by this commit; None where that cannot be known."""
        versions = [glance.version for glance in self.glances]
        if any(version and not _same(version, commit_sha) for version in versions):
            return False
        return True if versions and commit_sha and all(versions) else None


def open_public(*, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client for public addresses only; private ones cannot be reached with it.

    An explicit `transport` replaces the network and with it that guard: for the sandbox.
    """
    return httpx.Client(
        transport=transport or PublicNetwork(),
        timeout=httpx.Timeout(TIMEOUT),
        headers={
            "User-Agent": "rollback-portal/1 (who serves)",
            "Accept-Encoding": "identity",
            "Cache-Control": "no-cache",
        },
        follow_redirects=False,
        trust_env=False,
    )


def who_serves(
    addresses: Sequence[str], *, tries: int = 5, client: httpx.Client, header: str = VERSION_HEADER
) -> ServedAnswer:
    """Ask each address `tries` times for its version, which it names in `header`. Never raises for them."""
    glances = tuple(glance for address in addresses for glance in _glances(address, tries, client, header))
    versions = Counter(glance.version for glance in glances if glance.version)
    sha, agree = versions.most_common(1)[0] if versions else ("", 0)
    return ServedAnswer(sha, agree, len(glances), _sentence(glances, versions, header), glances)


def _glances(address: str, tries: int, client: httpx.Client, header: str) -> list[Glance]:
    found: list[Glance] = []
    for _ in range(tries):
        found.append(_glance(address, client, header))
        if sum(not glance.status for glance in found) >= GIVE_UP_AFTER:
            break
    return found


def _glance(address: str, client: httpx.Client, header: str) -> Glance:
    try:
        with client.stream("GET", address) as response:
            _read_a_little(response)
            found = response.headers.get(header, "").strip()
            return Glance(address, response.status_code, found if VERSION.fullmatch(found) else "")
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ValueError) as error:
        return Glance(address, 0, problem=plain(str(error)) or type(error).__name__)


def _read_a_little(response: httpx.Response) -> None:
    """The body does not matter; it is read so far that the other side is done with us."""
    size, deadline = 0, time.monotonic() + TIMEOUT
    for chunk in response.iter_bytes(chunk_size=8192):
        size += len(chunk)
        if size >= LARGEST_PAGE or time.monotonic() > deadline:
            return


def _same(version: str, commit_sha: str) -> bool:
    """Versions may be abbreviated commits, but not below seven characters."""
    short, long = sorted((version.lower(), commit_sha.lower()), key=len)
    return long.startswith(short) and len(short) >= min(SHORTEST_SHA, len(long))


def _sentence(glances: Sequence[Glance], versions: Counter[str], header: str) -> str:
    if not glances:
        return "No public address is known, so nobody was asked who serves."
    if not any(glance.status for glance in glances):
        return f"No answer from {glances[0].address}: {glances[0].problem}."
    if not versions:
        return f"The answers carry no {header} header, so the version that serves is unknown."
    seen = ", ".join(f"{count} by {version[:12]}" for version, count in versions.most_common(3))
    return f"Of {len(glances)} requests to the public addresses, {seen}."
