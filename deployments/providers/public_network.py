"""A network for httpx that reaches public addresses over TLS and nothing else.

Addresses come from providers and from people, so a name that leads into our own network must not be
followed. Every address of a name is checked, and the connection goes to the very one that was checked:
a second look-up could say something else.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

import httpx

MOST_ADDRESSES = 3  # of one name that are tried
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Resolve = Callable[[str, int], Sequence[str]]


def look_up(host: str, port: int) -> Sequence[str]:
    """All addresses of a host, as the system resolves it. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Neither private, local nor reserved, and no IPv6 wrapping of an IPv4 address that is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = _wrapped(found)
        if found.is_site_local or (inner and not inner.is_global):
            return False
    return found.is_global and not found.is_multicast


class PublicNetwork(httpx.BaseTransport):
    """Refuses with ConnectError what is not https or leads anywhere else than the public network."""

    def __init__(self, *, resolve: Resolve = look_up, network: httpx.BaseTransport | None = None) -> None:
        """`network` carries the request once its address is settled; each request has its own connection."""
        self._resolve = resolve
        self._network = network or httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme != "https":
            raise httpx.ConnectError(f"{request.url} is not https", request=request)
        *others, last = self._public_addresses(request.url.host, request)
        for address in others:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return self._network.handle_request(pinned(request, address))
        return self._network.handle_request(pinned(request, last))

    def close(self) -> None:
        self._network.close()

    def _public_addresses(self, host: str, request: httpx.Request) -> Sequence[str]:
        try:
            found = self._resolve(host, request.url.port or 443)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{host} has no address ({error})", request=request) from error
        if not found or not all(is_public(address) for address in found):
            raise httpx.ConnectError(f"{host} does not lead to the public network", request=request)
        return found[:MOST_ADDRESSES]


def pinned(request: httpx.Request, address: str) -> httpx.Request:
    """The same request to this very address; `Host` and the name in the TLS handshake stay."""
    host = request.url.host
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that this one stands for, if it stands for one."""
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
