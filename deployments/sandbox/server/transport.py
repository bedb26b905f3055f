"""An httpx transport that ends in a sandbox in this process.

There is no socket, so what would happen to one is played: a dropped connection is a
`RemoteProtocolError`, a refused one a `ConnectError`, an answer slower than the client's own
read time-out a `ReadTimeout`, at once and without sleeping.
"""

from __future__ import annotations

import httpx

from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.http import Request

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
