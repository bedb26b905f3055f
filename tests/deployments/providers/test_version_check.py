from __future__ import annotations

import httpx
import pytest

from deployments.providers.public_network import PublicNetwork, is_public, look_up, pinned
from deployments.providers.version_check import open_public, who_serves
from deployments.sandbox.server.faults import Fault
from tests.deployments.providers.loopback import HANG_UP, answer, line, nobody
from tests.deployments.providers.sides import Bench

SHA = "913009364254d9849b3f94dc7d0b5af20fe243c8"
OTHER = "3c8de4d51622cb2628710fa394fe7b8c8840ee82"


def ask(*script: bytes, tries: int = 5, header: str = "X-Version"):  # type: ignore[no-untyped-def]
    with line(*script) as told, open_public(transport=httpx.HTTPTransport()) as client:
        return who_serves([told.url], tries=tries, client=client, header=header)


def says(version: str, status: str = "200 OK", body: bytes = b"page") -> bytes:
    return answer(status, body, f"X-Version: {version}")


def test_one_commit_that_answers_every_request_serves() -> None:
    found = ask(says(SHA))
    assert (found.sha, found.agree, found.of) == (SHA, 5, 5)
    assert found.serves(SHA) is True
    assert found.serves(OTHER) is False
    assert found.error_share == 0
    assert found.message == "Of 5 requests to the public addresses, 5 by 913009364254."


def test_an_abbreviated_commit_is_the_same_commit() -> None:
    assert ask(says(SHA[:7])).serves(SHA) is True
    assert ask(says(SHA[:6])).serves(SHA) is False
    assert ask(says(SHA.upper())).serves(SHA) is True


def test_two_commits_in_turn_are_no_yes() -> None:
    found = ask(says(SHA), says(OTHER), says(SHA))
    assert (found.sha, found.agree, found.of) == (SHA, 4, 5)
    assert found.serves(SHA) is False


def test_answers_without_a_version_are_unknown_and_never_a_yes() -> None:
    found = ask(answer("200 OK", b"page"))
    assert found.sha == ""
    assert found.serves(SHA) is None
    assert "X-Version" in found.message


def test_one_answer_without_a_version_makes_the_rest_unknown() -> None:
    assert ask(says(SHA), answer("200 OK", b"page"), says(SHA)).serves(SHA) is None


@pytest.mark.parametrize("version", ["", "<b>", "a b", "x" * 65, "é"])
def test_a_version_in_another_form_is_none(version: str) -> None:
    assert ask(f"HTTP/1.1 200 OK\r\nX-Version: {version}\r\n\r\n".encode()).serves(version) is None


def test_an_unknown_commit_is_never_confirmed() -> None:
    assert ask(answer("200 OK", b"page")).serves("") is None


def test_no_address_is_unknown() -> None:
    with open_public() as client:
        found = who_serves([], client=client)
    assert (found.of, found.serves(SHA), found.error_share) == (0, None, None)
    assert "No public address" in found.message


def test_an_address_that_does_not_answer_is_given_up_soon() -> None:
    with open_public(transport=httpx.HTTPTransport()) as client:
        found = who_serves([nobody()], client=client)
    assert (found.of, found.serves(SHA), found.error_share) == (2, None, None)
    assert found.statuses == {0: 2}
    assert "No answer from http://127.0.0.1" in found.message


def test_a_lost_answer_in_between_is_counted() -> None:
    found = ask(says(SHA), HANG_UP, says(SHA))
    assert (found.agree, found.of) == (4, 5)
    assert found.serves(SHA) is None


def test_failing_answers_are_counted_and_their_version_still_counts() -> None:
    found = ask(says(SHA), says(SHA, "500 Internal Server Error"), says(SHA), tries=4)
    assert found.serves(SHA) is True
    assert found.statuses == {200: 3, 500: 1}
    assert found.error_share == 0.25


def test_a_redirect_is_not_followed() -> None:
    with line(answer("302 Found", b"", "Location: http://169.254.169.254/")) as told:
        with open_public(transport=httpx.HTTPTransport()) as client:
            found = who_serves([told.url], tries=1, client=client)
        assert len(told.requests) == 1
    assert found.statuses == {302: 1}


def test_an_endless_page_is_read_only_a_little() -> None:
    head = f"HTTP/1.1 200 OK\r\nX-Version: {SHA}\r\nContent-Length: 90000000\r\n\r\n".encode()
    assert ask(head + b"x" * 200_000, tries=1).serves(SHA) is True


def test_the_header_can_have_another_name() -> None:
    assert ask(answer("200 OK", b"", f"X-Commit: {SHA}"), header="X-Commit").serves(SHA) is True


def test_the_public_addresses_of_the_sandbox_say_who_serves(both: Bench) -> None:
    found = both.served()
    assert found.serves(both.live.commit_sha) is True
    assert found.of == 5 * len(both.client.service(both.service_id).addresses)


def test_the_sandbox_can_fail_its_visitors(both: Bench) -> None:
    both.sandbox.faults.add(Fault("public.page", "drop_before", times=None))
    assert both.served().serves(both.live.commit_sha) is None


# --- the guard -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "fec0::1", "ff02::1",
        "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2002:7f00:1::", "", "x",
    ],
)  # fmt: skip
def test_an_address_of_our_own_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "216.24.57.1", "2606:4700::1", "64:ff9b::808:808"])
def test_an_address_of_the_public_network_is(address: str) -> None:
    assert is_public(address)


def refused(url: str, *addresses: str) -> str:
    """The problem that a visit ends with; the network below answers whatever reaches it."""
    reached = httpx.MockTransport(lambda request: httpx.Response(200, headers={"X-Version": SHA}))
    network = PublicNetwork(resolve=lambda host, port: addresses, network=reached)
    with open_public(transport=network) as client:
        (glance,) = who_serves([url], tries=1, client=client).glances
    return glance.problem


def test_a_name_that_leads_into_our_network_is_not_followed() -> None:
    assert "does not lead to the public network" in refused("https://evil.example", "10.0.0.1")
    assert "does not lead to the public network" in refused("https://evil.example", "8.8.8.8", "127.0.0.1")
    assert "does not lead to the public network" in refused("https://evil.example")


def test_only_https_is_visited() -> None:
    assert "is not https" in refused("http://shop.example", "8.8.8.8")


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://[::1]:8443/", "https://localhost/"])
def test_loopback_is_not_visited_with_the_real_look_up(url: str) -> None:
    with open_public() as client:
        (glance,) = who_serves([url], tries=1, client=client).glances
    assert "does not lead to the public network" in glance.problem


@pytest.mark.parametrize("url", ["", "shop.example.com", "https://", "https://[", "ftp://shop.example.com"])
def test_an_address_that_is_none_is_a_problem_and_no_error(url: str) -> None:
    with open_public() as client:
        (glance,) = who_serves([url], tries=1, client=client).glances
    assert glance.status == 0
    assert glance.problem


def test_the_connection_goes_to_the_checked_address_under_its_own_name() -> None:
    request = httpx.Request("GET", "https://shop.example.com:8443/a?b=c", extensions={"timeout": {"read": 5}})
    sent = pinned(request, "2606:4700::1")
    assert sent.url == "https://[2606:4700::1]:8443/a?b=c"
    assert sent.headers["host"] == "shop.example.com:8443"
    assert sent.extensions == {"timeout": {"read": 5}, "sni_hostname": "shop.example.com"}


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    asked: list[str] = []

    def answer_at_the_second(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        if request.url.host == "8.8.8.8":
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(200, headers={"X-Version": SHA})

    below = httpx.MockTransport(answer_at_the_second)
    network = PublicNetwork(resolve=lambda host, port: ["8.8.8.8", "8.8.4.4"], network=below)
    with open_public(transport=network) as client:
        assert who_serves(["https://shop.example.com"], tries=1, client=client).serves(SHA) is True
    assert asked == ["8.8.8.8", "8.8.4.4"]


def test_the_real_look_up_gives_each_address_once() -> None:
    assert set(look_up("localhost", 443)) <= {"127.0.0.1", "::1"}
    assert len(look_up("127.0.0.1", 443)) == 1
