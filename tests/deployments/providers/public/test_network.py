"""The HTTP transport that only reaches public addresses."""

from __future__ import annotations

import httpx
import pytest

from deployments.providers.public.network import PublicNetwork, is_public, resolve_host, to_address
from deployments.providers.public.version_check import check_version, open_public_client

SHA = "913009364254d9849b3f94dc7d0b5af20fe243c8"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "fec0::1", "ff02::1",
        "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2002:7f00:1::", "", "x",
    ],
)  # fmt: skip
def test_an_internal_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "216.24.57.1", "2606:4700::1", "64:ff9b::808:808"])
def test_an_external_address_is_public(address: str) -> None:
    assert is_public(address)


def problem(url: str, *addresses: str) -> str:
    """The problem that a request ends with; the fake network answers every request that it is given."""
    answering = httpx.MockTransport(lambda request: httpx.Response(200, headers={"X-Version": SHA}))
    network = PublicNetwork(resolve=lambda host, port: addresses, network=answering)
    with open_public_client(transport=network) as client:
        (probe,) = check_version([url], tries=1, client=client).probes
    return probe.problem


def test_a_name_that_resolves_to_an_internal_address_is_refused() -> None:
    assert "does not lead to the public network" in problem("https://evil.example", "10.0.0.1")
    assert "does not lead to the public network" in problem("https://evil.example", "8.8.8.8", "127.0.0.1")
    assert "does not lead to the public network" in problem("https://evil.example")


def test_only_https_is_allowed() -> None:
    assert "is not https" in problem("http://shop.example", "8.8.8.8")


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://[::1]:8443/", "https://localhost/"])
def test_loopback_is_refused_with_real_name_resolution(url: str) -> None:
    with open_public_client() as client:
        (probe,) = check_version([url], tries=1, client=client).probes
    assert "does not lead to the public network" in probe.problem


@pytest.mark.parametrize("url", ["", "shop.example.com", "https://", "https://[", "ftp://shop.example.com"])
def test_an_invalid_url_is_a_problem_and_raises_nothing(url: str) -> None:
    with open_public_client() as client:
        (probe,) = check_version([url], tries=1, client=client).probes
    assert probe.status == 0
    assert probe.problem


def test_the_connection_goes_to_the_checked_address_with_the_original_host_name() -> None:
    request = httpx.Request("GET", "https://shop.example.com:8443/a?b=c", extensions={"timeout": {"read": 5}})
    sent = to_address(request, "2606:4700::1")
    assert sent.url == "https://[2606:4700::1]:8443/a?b=c"
    assert sent.headers["host"] == "shop.example.com:8443"
    assert sent.extensions == {"timeout": {"read": 5}, "sni_hostname": "shop.example.com"}


def test_the_next_address_is_tried_where_one_refuses() -> None:
    tried: list[str] = []

    def answer_at_the_second(request: httpx.Request) -> httpx.Response:
        tried.append(request.url.host)
        if request.url.host == "8.8.8.8":
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(200, headers={"X-Version": SHA})

    fake = httpx.MockTransport(answer_at_the_second)
    network = PublicNetwork(resolve=lambda host, port: ["8.8.8.8", "8.8.4.4"], network=fake)
    with open_public_client(transport=network) as client:
        assert check_version(["https://shop.example.com"], tries=1, client=client).serves(SHA) is True
    assert tried == ["8.8.8.8", "8.8.4.4"]


def test_real_name_resolution_gives_each_address_once() -> None:
    assert set(resolve_host("localhost", 443)) <= {"127.0.0.1", "::1"}
    assert len(resolve_host("127.0.0.1", 443)) == 1
