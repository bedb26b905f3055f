"""An httpx transport that only reaches public addresses over TLS.

URLs come from providers and from people, so a host name that resolves into the internal network must not be
followed. Every address of a name is checked, and the connection goes to the very address that was checked,
because a second DNS lookup could give another one.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

import httpx

MOST_ADDRESSES = 3  # tried per host name
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Resolve = Callable[[str, int], Sequence[str]]


class NotPublic(httpx.ConnectError):
    """The portal itself refused to ask: nothing was sent, so nothing is known of the address."""


def resolve_host(host: str, port: int) -> Sequence[str]:
    """All addresses of a host, as the system resolves it. Raises OSError."""
    results = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(result[4][0]) for result in results))


def is_public(address: str) -> bool:
    """False for private, local and reserved addresses, and for IPv6 ones that wrap such an IPv4 address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped = _wrapped_ipv4(ip)
        if ip.is_site_local or (wrapped and not wrapped.is_global):
            return False
    return ip.is_global and not ip.is_multicast


class PublicNetwork(httpx.BaseTransport):
    """Raises NotPublic for a URL that is not https or does not lead to the public network."""

    def __init__(
        self, *, resolve: Resolve = resolve_host, network: httpx.BaseTransport | None = None
    ) -> None:
        """`network` sends the request to the checked address, over a new connection each time."""
        self._resolve = resolve
        self._network = network or httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme != "https":
            raise NotPublic(f"{request.url} is not https", request=request)
        *others, last = self._public_addresses(request.url.host, request)
        for address in others:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return self._network.handle_request(to_address(request, address))
        return self._network.handle_request(to_address(request, last))

    def close(self) -> None:
        self._network.close()

    def _public_addresses(self, host: str, request: httpx.Request) -> Sequence[str]:
        try:
            addresses = self._resolve(host, request.url.port or 443)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{host} has no address ({error})", request=request) from error
        if not addresses or not all(is_public(address) for address in addresses):
            raise NotPublic(f"{host} does not lead to the public network", request=request)
        return addresses[:MOST_ADDRESSES]


def to_address(request: httpx.Request, address: str) -> httpx.Request:
    """The same request sent to this address; the `Host` header and the TLS server name stay."""
    host = request.url.host
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


def _wrapped_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside an IPv6 address (NAT64, mapped, 6to4 or Teredo), or None."""
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
