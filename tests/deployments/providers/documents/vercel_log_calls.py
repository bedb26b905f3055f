"""The calls to Vercel's API that read logs."""

from __future__ import annotations

from tests.deployments.providers.documents.calls import EMPTY, FALSE, NO_TIME, VERCEL, Call

TEAM = {"teamId": "the team of the key"}

LOG_CALLS = (
    Call(
        VERCEL,
        "log lines",
        "get",
        "/v1/projects/{projectId}/deployments/{deploymentId}/runtime-logs",
        sends=TEAM,
        reads={
            "timestampInMs": NO_TIME,
            "message": "the request instead",
            "level": EMPTY,
            "source": EMPTY,
            "requestMethod": EMPTY,
            "requestPath": EMPTY,
            "responseStatusCode": "the level alone tells an error",
            "rowId": "the line's time, source and masked text stand for it",
            "messageTruncated": FALSE,
        },
    ),
    Call(
        VERCEL,
        "events of a build",
        "get",
        "/v3/deployments/{idOrUrl}/events",
        sends={
            "direction": "`backward`",
            "follow": "`0`: no stream",
            "limit": "500",
            "builds": "`1`",
            **TEAM,
        },
        rows="[]",
        reads={
            "type": "`stderr` and `fatal` are errors; others are information",
            "created": "used where there is no `date`; without both the line is left out",
            "payload": "the fields are in the event itself, which is the newer form",
            "payload.date": NO_TIME,
            "payload.text": "the event is left out",
            "payload.id": "the line's time, source and masked text stand for it",
            "payload.info.name": EMPTY,
            "date": NO_TIME,
            "text": "the event is left out",
            "id": "see `payload.id`",
            "info.name": EMPTY,
            "level": "see `type`",
        },
    ),
)
