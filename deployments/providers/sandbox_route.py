"""Leads requests for public addresses to a sandbox on loopback, so that its company can be visited."""

from __future__ import annotations

import httpx


class ThroughSandbox(httpx.BaseTransport):
    """Sends a request for any address to the sandbox on loopback, and keeps the Host header.

    `ThroughSandbox("http://127.0.0.1:9701")` lets `https://shop.example.com/` be answered by the sandbox.
    """

    def __init__(self, origin: str) -> None:
        self.origin = httpx.URL(origin)
        self.transport = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        there = request.url.copy_with(scheme=self.origin.scheme, host=self.origin.host, port=self.origin.port)
        headers = request.headers.copy()
        headers["Host"] = request.url.host
        passed = httpx.Request(
            request.method, there, headers=headers, stream=request.stream, extensions=request.extensions
        )
        return self.transport.handle_request(passed)

    def close(self) -> None:
        self.transport.close()
