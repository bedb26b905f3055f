"""Routes requests for public addresses to the sandbox, where example domains lead nowhere in real DNS."""

from __future__ import annotations

import httpx


class SandboxRoute(httpx.BaseTransport):
    """Sends every request to the sandbox and keeps its Host header, by which the sandbox finds the service.

    `SandboxRoute("http://127.0.0.1:9701")` lets the sandbox answer for `https://shop.example.com/`.
    """

    def __init__(self, origin: str) -> None:
        self.origin = httpx.URL(origin)
        self.transport = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme=self.origin.scheme, host=self.origin.host, port=self.origin.port)
        headers = request.headers.copy()
        headers["Host"] = request.url.host
        rerouted = httpx.Request(
            request.method, url, headers=headers, stream=request.stream, extensions=request.extensions
        )
        return self.transport.handle_request(rerouted)

    def close(self) -> None:
        self.transport.close()
