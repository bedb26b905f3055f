"""The version check over HTTP."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import httpx
import pytest

from deployments.providers.public import version_check
from deployments.providers.public.health import WRONG_CONTENT, HealthRule
from deployments.providers.public.version_check import VersionCheckResult, check_version, open_public_client
from deployments.sandbox.server.faults import Fault
from tests.deployments.providers.client_bench import ClientBench
from tests.deployments.providers.scripted_server import HANG_UP, answer, scripted, unused_url

SHA = "913009364254d9849b3f94dc7d0b5af20fe243c8"
OTHER = "3c8de4d51622cb2628710fa394fe7b8c8840ee82"


def check(*script: bytes, tries: int = 5, header: str = "X-Version") -> VersionCheckResult:
    with scripted(*script) as server, open_public_client(transport=httpx.HTTPTransport()) as client:
        return check_version([server.url], tries=tries, client=client, header=header)


def many(*script: bytes, answers: int = 60) -> VersionCheckResult:
    with scripted(*script) as server, open_public_client(transport=httpx.HTTPTransport()) as client:
        return check_version([server.url], answers=answers, commit_sha=SHA, client=client)


def says(version: str, status: str = "200 OK", body: bytes = b"page") -> bytes:
    return answer(status, body, f"X-Version: {version}")


def test_a_commit_that_answers_every_request_serves() -> None:
    result = check(says(SHA))
    assert (result.sha, result.agreeing, result.total) == (SHA, 5, 5)
    assert result.serves(SHA) is True
    assert result.serves(OTHER) is False
    assert result.failures == {}
    assert result.message == "Of 5 requests to the public addresses, 5 by 913009364254."


def test_an_abbreviated_commit_is_the_same_commit() -> None:
    assert check(says(SHA[:7])).serves(SHA) is True
    assert check(says(SHA[:6])).serves(SHA) is False
    assert check(says(SHA.upper())).serves(SHA) is True


def test_two_commits_in_turn_are_no_match() -> None:
    result = check(says(SHA), says(OTHER), says(SHA))
    assert (result.sha, result.agreeing, result.total) == (SHA, 4, 5)
    assert result.serves(SHA) is False


def test_responses_without_a_version_are_unknown() -> None:
    result = check(answer("200 OK", b"page"))
    assert result.sha == ""
    assert result.serves(SHA) is None
    assert "X-Version" in result.message


def test_one_response_without_a_version_makes_the_result_unknown() -> None:
    assert check(says(SHA), answer("200 OK", b"page"), says(SHA)).serves(SHA) is None


@pytest.mark.parametrize("version", ["", "<b>", "a b", "x" * 65, "é"])
def test_a_malformed_version_is_ignored(version: str) -> None:
    assert check(f"HTTP/1.1 200 OK\r\nX-Version: {version}\r\n\r\n".encode()).serves(version) is None


@pytest.mark.parametrize("good", [says(SHA), answer("200 OK", b"page")], ids=["named", "without a version"])
def test_many_answers_are_asked_for_at_once(good: bytes) -> None:
    result = many(good)
    assert (result.asked, result.failures) == (60, {})


@pytest.mark.parametrize(
    "other", [says(OTHER), answer("503 Service Unavailable", b"")], ids=["another commit", "an error"]
)
def test_what_is_not_as_it_should_be_is_asked_no_more_than_usual(other: bytes) -> None:
    assert many(other).asked == 5
    assert many(*[says(SHA)] * 7, other).asked == 10


def test_slow_answers_are_asked_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version_check, "LONGEST_BURST", 0)
    assert many(says(SHA)).asked == 5


class OwnTime(threading.local):
    """The time that has passed for one thread, as those that wait at the same time do not wait longer."""

    passed = 0.0


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("number", [1, 3, 12])
def test_slow_addresses_are_all_asked_at_the_same_time_and_for_less_than_a_lease(
    monkeypatch: pytest.MonkeyPatch, number: int, silent: bool
) -> None:
    own, ends, together = OwnTime(), list[float](), threading.Barrier(number)

    def handle(request: httpx.Request) -> httpx.Response:
        if not own.passed:
            together.wait(timeout=10)
        own.passed += version_check.TIMEOUT - 0.1
        ends.append(own.passed)
        if silent:
            raise httpx.ConnectTimeout("time-out", request=request)
        return httpx.Response(200, headers={"X-Version": SHA})

    monkeypatch.setattr(version_check, "time", SimpleNamespace(monotonic=lambda: own.passed))
    addresses = {f"https://{part}.shop.example" for part in range(number)}
    with httpx.Client(transport=httpx.MockTransport(handle)) as client:
        result = check_version(list(addresses), commit_sha=SHA, client=client)

    assert {probe.address for probe in result.probes} == addresses
    assert max(ends) < 30


def test_all_addresses_are_asked_at_the_same_time() -> None:
    """Each waits for the others: asked one after the other, none would ever be answered."""
    together = threading.Barrier(12)

    def handle(request: httpx.Request) -> httpx.Response:
        together.wait(timeout=10)
        return httpx.Response(200, headers={"X-Version": SHA})

    addresses = [f"https://{part}.shop.example" for part in range(12)]
    with httpx.Client(transport=httpx.MockTransport(handle)) as client:
        result = check_version(addresses, tries=2, client=client)
    assert (result.agreeing, result.total) == (24, 24)


def test_each_address_that_differs_is_named() -> None:
    versions = {"one": SHA, "two": SHA, "three": OTHER, "four": "", "five": SHA}

    def handle(request: httpx.Request) -> httpx.Response:
        name = request.url.host.split(".")[0]
        status = 503 if name == "five" else 200
        return httpx.Response(status, headers={"X-Version": versions[name]})

    with httpx.Client(transport=httpx.MockTransport(handle)) as client:
        result = check_version([f"https://{name}.example" for name in versions], tries=2, client=client)
    assert result.message == (
        "Of 10 requests to the public addresses, 6 by 913009364254, 2 by 3c8de4d51622, 2 failed. "
        "https://three.example serves 3c8de4d51622. https://four.example names no version. "
        "https://five.example failed 2 of 2 times."
    )
    assert [(one.address, one.status, one.failed, one.version) for one in result.addresses][-1] == (
        "https://five.example", 503, 2, SHA,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/", "https://shop.example/app"),
        ("/healthz", "https://shop.example/healthz"),
        ("/healthz?full=1", "https://shop.example/healthz?full=1"),
        ("//evil.example/", "https://shop.example//evil.example/"),
        ("/@evil.example", "https://shop.example/@evil.example"),
    ],
)
def test_the_health_path_is_asked_at_the_address_whatever_it_looks_like(path: str, asked: str) -> None:
    seen = list[str]()

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(handle)) as client:
        check_version(["https://shop.example/app"], tries=1, client=client, rule=HealthRule(path))
    assert seen == [asked]


def test_an_answer_that_breaks_the_health_rule_has_failed() -> None:
    bodies = iter([b"down", b"ready"])
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, content=next(bodies), headers={"X-Version": SHA})
    )
    with httpx.Client(transport=transport) as client:
        rule = HealthRule(text="ready")
        result = check_version(["https://shop.example"], tries=2, client=client, rule=rule)
    assert (result.agreeing, result.failures) == (1, {WRONG_CONTENT: 1})


def test_the_time_until_an_answer_is_measured_and_no_answer_has_none() -> None:
    result = check(says(SHA), HANG_UP, tries=2)
    assert [bool(probe.latency_ms) for probe in result.probes] == [True, False]
    assert len(result.latencies) == 1


def test_an_unknown_commit_never_matches() -> None:
    assert check(answer("200 OK", b"page")).serves("") is None


def test_without_an_address_the_version_is_unknown() -> None:
    with open_public_client() as client:
        result = check_version([], client=client)
    assert (result.total, result.serves(SHA), result.failures) == (0, None, {})
    assert "No public address" in result.message


def test_an_address_without_a_response_is_given_up_after_two_requests() -> None:
    with open_public_client(transport=httpx.HTTPTransport()) as client:
        result = check_version([unused_url()], client=client)
    assert (result.total, result.serves(SHA), result.failures) == (2, None, {0: 2})
    assert "No answer from http://127.0.0.1" in result.message


def test_a_lost_response_has_failed() -> None:
    result = check(says(SHA), HANG_UP, says(SHA))
    assert (result.agreeing, result.total, result.failures) == (4, 5, {0: 1})
    assert result.serves(SHA) is True


def test_errors_are_counted_and_their_version_agrees_only_as_far_as_it_is_named() -> None:
    result = check(
        says(SHA), says(SHA, "500 Internal Server Error"), answer("502 Bad Gateway", b""), says(SHA)
    )
    assert (result.agreeing, result.failures) == (3, {500: 1, 502: 1})
    assert result.serves(SHA) is True
    assert check(says(SHA), says(OTHER, "500 Internal Server Error")).serves(SHA) is False
    assert "2 failed" in result.message


def test_what_fails_every_time_is_not_known_to_be_any_version() -> None:
    result = check(answer("503 Service Unavailable", b""))
    assert (result.sha, result.serves(SHA), result.failures) == ("", None, {503: 5})


def test_an_address_that_the_portal_may_not_ask_says_nothing() -> None:
    with open_public_client() as client:
        result = check_version(["https://127.0.0.1"], client=client)
    assert (result.asked, result.failures, result.serves(SHA)) == (0, {}, None)
    assert "does not lead to the public network" in result.message


def test_a_redirect_is_not_followed() -> None:
    with scripted(answer("302 Found", b"", "Location: http://169.254.169.254/")) as server:
        with open_public_client(transport=httpx.HTTPTransport()) as client:
            result = check_version([server.url], tries=1, client=client)
        assert len(server.requests) == 1
    assert (result.serves(SHA), result.failures) == (None, {})


def test_each_request_is_a_new_visitors_without_the_cookies_of_the_last() -> None:
    sticky = answer("200 OK", b"page", f"X-Version: {SHA}", "Set-Cookie: __vdpl=dpl_old; Path=/")
    with scripted(sticky) as server, open_public_client(transport=httpx.HTTPTransport()) as client:
        check_version([server.url], client=client)
        assert len(server.requests) == 5
        assert not any(b"cookie:" in request.lower() for request in server.requests)


def test_only_the_start_of_a_huge_page_is_read() -> None:
    head = f"HTTP/1.1 200 OK\r\nX-Version: {SHA}\r\nContent-Length: 90000000\r\n\r\n".encode()
    assert check(head + b"x" * 200_000, tries=1).serves(SHA) is True


def test_the_version_header_can_be_configured() -> None:
    assert check(answer("200 OK", b"", f"X-Commit: {SHA}"), header="X-Commit").serves(SHA) is True


def test_the_public_addresses_of_the_sandbox_name_their_version(bench: ClientBench) -> None:
    result = bench.check_version()
    assert result.serves(bench.live.commit_sha) is True
    assert result.total == 5 * len(bench.client.service(bench.service_id).addresses)


def test_a_failing_public_address_is_unknown(bench: ClientBench) -> None:
    bench.sandbox.faults.add(Fault("public.page", "drop_before", times=None))
    assert bench.check_version().serves(bench.live.commit_sha) is None
