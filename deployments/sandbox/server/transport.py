"""An httpx transport that leads to a sandbox in the same process.

There is no socket, so its failures are simulated: a dropped connection raises `RemoteProtocolError`, a
refused one `ConnectError`, and a response slower than the client's read timeout `ReadTimeout`, at once and
without sleeping.
"""

from __future__ import annotations

import httpx

from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.http import Request

RENDER_URL = "https://api.render.com/v1"
VERCEL_URL = "https://api.vercel.com"


class SandboxTransport(httpx.BaseTransport):
    """Sends every request to one sandbox, whatever its host."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        headers = dict(request.headers)
        query = url.query.decode()
        sandbox_request = Request.build(request.method, url.host, url.path, query, headers, request.read())
        answer = self.sandbox.answer(sandbox_request)
        if answer.outcome == "refused":
            raise httpx.ConnectError("Connection refused", request=request)
        timeout = request.extensions.get("timeout", {}).get("read")
        if timeout is not None and answer.delay > timeout:
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        if answer.outcome == "dropped":
            raise httpx.RemoteProtocolError(
                "Server disconnected without sending a response.", request=request
            )
        body = httpx.ByteStream(answer.body)
        return httpx.Response(answer.status, headers=answer.headers, stream=body, request=request)
