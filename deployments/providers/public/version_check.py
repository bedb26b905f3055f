"""Asks the public addresses of a service which version they serve, as any visitor would.

A provider's "live" is no proof. The result says how many of the requests were answered by which commit, and
how many failed: 5xx, or no answer. An answer that names no version is unknown and never a match.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from deployments.providers.public.network import NotPublic, PublicNetwork
from rollback_portal.text import clean_line

VERSION_HEADER = "X-Version"
TIMEOUT = 5.0  # seconds, for each phase and for the whole response
LARGEST_PAGE = 64 * 1024  # bytes read of a response
LONGEST_BURST = 5.0  # seconds in which many answers are asked for
LONGEST_CHECK = 15.0  # seconds, shared by the addresses: after its part, one that is slow is asked no more
GIVE_UP_AFTER = 2  # requests without a response at one address
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
SHORTEST_SHA = 7
SERVER_ERROR = 500  # from this HTTP status on, the service failed


@dataclass(frozen=True, slots=True)
class VersionProbe:
    """One request: its HTTP status (0: no response) and the version that it named, or "".

    `asked` is False where the portal itself refused to send it, which says nothing about the service.
    """

    address: str
    status: int
    version: str = ""
    problem: str = ""
    asked: bool = True

    @property
    def failed(self) -> bool:
        return self.asked and (self.status == 0 or self.status >= SERVER_ERROR)

    @property
    def answered(self) -> bool:
        return self.asked and not self.failed


@dataclass(frozen=True, slots=True)
class VersionCheckResult:
    """What the addresses serve: `agreeing` of `total` requests were answered well, by the version `sha`."""

    sha: str  # the version seen most often, "" where none was seen
    agreeing: int
    total: int
    message: str
    probes: tuple[VersionProbe, ...] = ()

    @property
    def asked(self) -> int:
        return sum(probe.asked for probe in self.probes)

    @property
    def failures(self) -> dict[int, int]:
        """How many requests failed, by HTTP status; 0 stands for no answer."""
        return dict(Counter(probe.status for probe in self.probes if probe.failed))

    def serves(self, commit_sha: str) -> bool | None:
        """True only where every answer that is no error was by this commit; None where that is unknown.

        An error need not name its version, as the page of a proxy does not; one that does has to be right.
        """
        if _by_another(self.probes, commit_sha):
            return False
        silent = any(not probe.version and not probe.failed for probe in self.probes)
        named = any(probe.version for probe in self.probes)
        return True if named and commit_sha and not silent else None


def open_public_client(*, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """An HTTP client that cannot reach private addresses and keeps no cookies, as a new visitor has none.

    With a cookie, a provider may go on sending the one who has it to the deployment from before.
    A `transport` replaces the network, and with it that protection: only for the sandbox.
    """
    return httpx.Client(
        transport=transport or PublicNetwork(),
        timeout=httpx.Timeout(TIMEOUT),
        headers={
            "User-Agent": "rollback-portal/1 (who serves)",
            "Accept-Encoding": "identity",
            "Cache-Control": "no-cache",
        },
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
        follow_redirects=False,
        trust_env=False,
    )


def check_version(
    addresses: Sequence[str],
    *,
    tries: int = 5,
    answers: int = 0,
    commit_sha: str = "",
    client: httpx.Client,
    header: str = VERSION_HEADER,
) -> VersionCheckResult:
    """Request each address and read the version from `header`. Failures are in the result.

    Args:
        tries: requests to each address, as far as its part of `LONGEST_CHECK` allows; one in any case.
        answers: ask on until there are so many, for at most `LONGEST_BURST`, as long as none is an error.
        commit_sha: or by another commit than this one.
    """
    probes, deadline = list[VersionProbe](), time.monotonic() + LONGEST_BURST
    longest = LONGEST_CHECK / max(len(addresses), 1)
    while True:
        for address in addresses:
            probes += _probes(address, tries, longest, client, header)
        if len(probes) >= answers or time.monotonic() > deadline or not _all_good(probes, commit_sha):
            return _result(tuple(probes), header)


def _all_good(probes: Sequence[VersionProbe], commit_sha: str) -> bool:
    """Whether all were answered, and none by another commit; False without any."""
    return bool(probes) and all(probe.answered for probe in probes) and not _by_another(probes, commit_sha)


def _by_another(probes: Sequence[VersionProbe], commit_sha: str) -> bool:
    return any(probe.version and not _same(probe.version, commit_sha) for probe in probes)


def _result(probes: tuple[VersionProbe, ...], header: str) -> VersionCheckResult:
    versions = Counter(probe.version for probe in probes if probe.version)
    sha = versions.most_common(1)[0][0] if versions else ""
    agreeing = sum(probe.version == sha != "" and not probe.failed for probe in probes)
    return VersionCheckResult(sha, agreeing, len(probes), _message(probes, versions, header), probes)


def _probes(
    address: str, tries: int, longest: float, client: httpx.Client, header: str
) -> list[VersionProbe]:
    probes, deadline = list[VersionProbe](), time.monotonic() + longest
    for _ in range(tries):
        probes.append(_probe(address, client, header))
        silent = sum(not probe.status for probe in probes)
        if silent >= GIVE_UP_AFTER or time.monotonic() >= deadline:
            break
    return probes


def _probe(address: str, client: httpx.Client, header: str) -> VersionProbe:
    deadline = time.monotonic() + TIMEOUT
    try:
        with client.stream("GET", address) as response:
            _read_a_little(response, deadline)
            version = response.headers.get(header, "").strip()
            return VersionProbe(address, response.status_code, version if VERSION.fullmatch(version) else "")
    except NotPublic as error:
        return VersionProbe(address, 0, problem=clean_line(str(error)), asked=False)
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ValueError) as error:
        return VersionProbe(address, 0, problem=clean_line(str(error)) or type(error).__name__)


def _read_a_little(response: httpx.Response, deadline: float) -> None:
    """Read the start of the body, so that the server is done with the request; its content is not used."""
    size = 0
    for chunk in response.iter_bytes(chunk_size=8192):
        size += len(chunk)
        if size >= LARGEST_PAGE or time.monotonic() > deadline:
            return


def _same(version: str, commit_sha: str) -> bool:
    """Versions may be abbreviated commits of at least seven characters."""
    short, long = sorted((version.lower(), commit_sha.lower()), key=len)
    return long.startswith(short) and len(short) >= min(SHORTEST_SHA, len(long))


def _message(probes: Sequence[VersionProbe], versions: Counter[str], header: str) -> str:
    if not probes:
        return "No public address is known, so nothing was checked from outside."
    if not any(probe.status for probe in probes):
        return f"No answer from {probes[0].address}: {probes[0].problem}."
    failed = sum(probe.failed for probe in probes)
    if not versions and failed < len(probes):
        return f"The answers carry no {header} header, so the version that serves is unknown."
    seen = [f"{count} by {version[:12]}" for version, count in versions.most_common(3)]
    seen += [f"{failed} failed"] if failed else []
    return f"Of {len(probes)} requests to the public addresses, {', '.join(seen)}."
