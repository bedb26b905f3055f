"""Asks the public addresses of a service which version they serve, as any visitor would.

A provider's "live" is no proof. The result says how many of the requests were answered by which commit, and
how many failed: no answer, or none as the service's health rule wants it. All addresses are asked at the same
time. An answer that names no version is unknown and never a match.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from statistics import median

import httpx

from deployments.providers.public.health import HealthRule
from deployments.providers.public.network import NotPublic, PublicNetwork
from rollback_portal.text import clean_line

VERSION_HEADER = "X-Version"
TIMEOUT = 5.0  # seconds, for each phase and for the whole response
LARGEST_PAGE = 64 * 1024  # bytes read of a response
LONGEST_BURST = 5.0  # seconds in which many answers are asked for
LONGEST_CHECK = 15.0  # seconds; after that an address that is slow is asked no more
MOST_AT_ONCE = 50  # addresses of one service
GIVE_UP_AFTER = 2  # requests without a response at one address
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
SHORTEST_SHA = 7
DEFAULT_RULE = HealthRule()


@dataclass(frozen=True, slots=True)
class VersionProbe:
    """One request: its HTTP status (0: no response) and the version that it named, or "".

    `fault` says what was wrong: an HTTP status, 0 for no response, or WRONG_CONTENT; None for nothing.
    `asked` is False where the portal itself refused to send it, which says nothing about the service.
    """

    address: str
    status: int
    version: str = ""
    problem: str = ""
    asked: bool = True
    fault: int | None = None
    latency_ms: float = 0.0  # until the answer was read

    @property
    def failed(self) -> bool:
        return self.asked and self.fault is not None

    @property
    def answered(self) -> bool:
        return self.asked and not self.failed


@dataclass(frozen=True, slots=True)
class AddressResult:
    """How one address answered: its last status and version, how many failed, the median latency."""

    address: str
    asked: int
    failed: int
    status: int
    version: str
    latency_ms: float | None
    problem: str

    @classmethod
    def of(cls, probes: Sequence[VersionProbe]) -> AddressResult:
        last, times = probes[-1], [probe.latency_ms for probe in probes if probe.status]
        return cls(
            last.address,
            sum(probe.asked for probe in probes),
            sum(probe.failed for probe in probes),
            last.status,
            last.version,
            round(median(times), 1) if times else None,
            next((probe.problem for probe in reversed(probes) if probe.problem), ""),
        )


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
        """How many requests failed, by their `fault`."""
        return dict(Counter(probe.fault for probe in self.probes if probe.failed and probe.fault is not None))

    @property
    def latencies(self) -> list[float]:
        """In ms, of the requests that were answered at all."""
        return [probe.latency_ms for probe in self.probes if probe.status]

    @property
    def addresses(self) -> list[AddressResult]:
        """How each address answered, in the order in which they are listed."""
        names = dict.fromkeys(probe.address for probe in self.probes)
        return [AddressResult.of([one for one in self.probes if one.address == name]) for name in names]

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
    rule: HealthRule = DEFAULT_RULE,
) -> VersionCheckResult:
    """Request each address and read the version from `header`. Failures are in the result.

    Args:
        tries: requests to each address, as far as `LONGEST_CHECK` allows; one in any case.
        answers: ask on until there are so many, for at most `LONGEST_BURST`, as long as none is an error.
        commit_sha: or by another commit than this one.
        rule: which path is asked, and what a good answer is.
    """
    probes, deadline = list[VersionProbe](), time.monotonic() + LONGEST_BURST
    ask = partial(_probes, tries=tries, client=client, header=header, rule=rule)
    while True:
        with ThreadPoolExecutor(min(len(addresses), MOST_AT_ONCE) or 1) as threads:
            for found in threads.map(ask, addresses):
                probes += found
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
    address: str, *, tries: int, client: httpx.Client, header: str, rule: HealthRule
) -> list[VersionProbe]:
    probes, deadline = list[VersionProbe](), time.monotonic() + LONGEST_CHECK
    for _ in range(tries):
        probes.append(_probe(address, client, header, rule))
        silent = sum(not probe.status for probe in probes)
        if silent >= GIVE_UP_AFTER or time.monotonic() >= deadline:
            break
    return probes


def _probe(address: str, client: httpx.Client, header: str, rule: HealthRule) -> VersionProbe:
    began = time.monotonic()
    try:
        with client.stream("GET", _url(address, rule.path)) as response:
            body = _beginning(response, began + TIMEOUT)
            version = response.headers.get(header, "").strip()
            version = version if VERSION.fullmatch(version) else ""
            passed = (time.monotonic() - began) * 1000
            status = response.status_code
            return VersionProbe(
                address, status, version, fault=rule.fault(status, body), latency_ms=round(passed, 1)
            )
    except NotPublic as error:
        return VersionProbe(address, 0, problem=clean_line(str(error)), asked=False)
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ValueError) as error:
        return VersionProbe(address, 0, problem=clean_line(str(error)) or type(error).__name__, fault=0)


def _url(address: str, path: str) -> httpx.URL:
    """The path at the same host, whatever the path looks like."""
    url = httpx.URL(address)
    return url if path == "/" else url.copy_with(raw_path=path.encode("ascii"))


def _beginning(response: httpx.Response, deadline: float) -> bytes:
    """The start of the body, so that the server is done with the request."""
    content = bytearray()
    for chunk in response.iter_bytes(chunk_size=8192):
        content += chunk
        if len(content) >= LARGEST_PAGE or time.monotonic() > deadline:
            break
    return bytes(content)


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
    summary = f"Of {len(probes)} requests to the public addresses, {', '.join(seen)}."
    return " ".join([summary, *_those_that_differ(probes)])


def _those_that_differ(probes: Sequence[VersionProbe]) -> list[str]:
    """A sentence for each address that does not answer as most do; none where all answer alike."""
    answers = {
        name: (
            Counter(one.version for one in own if not one.failed),
            sum(one.failed for one in own),
            len(own),
        )
        for name in dict.fromkeys(probe.address for probe in probes)
        for own in [[probe for probe in probes if probe.address == name]]
    }
    usual = Counter(probe.version for probe in probes if not probe.failed).most_common(1)
    sentences = []
    for name, (versions, failed, total) in answers.items():
        others = [version for version in versions if usual and version != usual[0][0]]
        words = [f"serves {version[:12]}" if version else "names no version" for version in others]
        words += [f"failed {failed} of {total} times"] if failed else []
        if words and len(answers) > 1:
            sentences.append(f"{name} {' and '.join(words)}.")
    return sentences
