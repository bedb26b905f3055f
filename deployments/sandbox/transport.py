"""httpx transports that end in the sandbox: in process, or over loopback for the public addresses.

In process there is no socket, so what would happen to one is played: a dropped connection is a
`RemoteProtocolError`, a refused one a `ConnectError`, an answer slower than the client's own
read time-out a `ReadTimeout`, at once and without sleeping.
"""

from __future__ import annotations

import httpx

from deployments.sandbox.app import Sandbox
from deployments.sandbox.wire import Request

RENDER_URL = "https://api.render.com/v1"
VERCEL_URL = "https://api.vercel.com"


class SandboxTransport(httpx.BaseTransport):
    """Answers every request from one sandbox, whatever host it names."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        headers = dict(request.headers)
        query = url.query.decode()
        ours = Request.build(request.method, url.host, url.path, query, headers, request.read())
        answer = self.sandbox.answer(ours)
        if answer.fate == "refused":
            raise httpx.ConnectError("Connection refused", request=request)
        patience = request.extensions.get("timeout", {}).get("read")
        if patience is not None and answer.delay > patience:
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        if answer.fate == "dropped":
            raise httpx.RemoteProtocolError(
                "Server disconnected without sending a response.", request=request
            )
        body = httpx.ByteStream(answer.body)
        return httpx.Response(answer.status, headers=answer.headers, stream=body, request=request)


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
