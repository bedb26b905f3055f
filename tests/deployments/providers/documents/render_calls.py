"""The calls to Render's API."""

from __future__ import annotations

from tests.deployments.providers.documents.calls import (
    ANSWER,
    EMPTY,
    EVENT,
    FALSE,
    NO_TIME,
    RENDER,
    ROW,
    UNKNOWN,
    Call,
)

ONE = "/services/{serviceId}"
WINDOW = {
    "resource": "the service",
    "startTime": "5 minutes before what was read last, at most an hour ago",
    "endTime": "now, or the end of what is missing",
    "resolutionSeconds": "30, the finest",
}
NO_CODE = "without a status it is unknown how many requests failed"
NOT_USED = "the series is one of several"
PAGING = {"limit": "100, the most", "cursor": "of the page before"}

SERVICE = {
    "name": "the slug, then the id",
    "slug": "used where there is no name",
    "type": "anything but `static_site` is an API; only web services and static sites have domains",
    "ownerId": EMPTY,
    "repo": EMPTY,
    "branch": EMPTY,
    "dashboardUrl": "the address known before stays",
    "suspended": "anything but `suspended` is not suspended",
    "suspenders": EMPTY,
    "environmentId": "no environment, and taken as production",
    "autoDeploy": "used where `autoDeployTrigger` is missing or an unknown word; "
    "a finer setting that is known stays; without both it is unknown",
    "autoDeployTrigger": "see `autoDeploy`",
    "serviceDetails.url": "no address",
    "serviceDetails.renderSubdomainPolicy": "`disabled`: the address is not asked; anything else: it is",
    "serviceDetails.maintenanceMode.enabled": FALSE,
    "serviceDetails.parentServer": "with it, it is a preview and left out",
}
DEPLOY = {
    "status": "an unknown word is kept, shown, and never eligible",
    "trigger": "an unknown word is kept and shown",
    "createdAt": "the next of startedAt, updatedAt, finishedAt, else 1970",
    "startedAt": "see createdAt",
    "updatedAt": "see createdAt",
    "finishedAt": "live since an unknown time",
    "commit.id": "the commit is unknown",
    "commit.message": EMPTY,
    "image.ref": EMPTY,
    "image.sha": "the image is shown without its digest",
}
DEPLOY_ALONE = {"id": ANSWER, **DEPLOY}

EVENT_DETAILS = {
    "details.deployId": EMPTY,
    "details.trigger.rollback": FALSE,
    "details.trigger.rollbackTargetDeployId": "the target of the rollback is unknown",
    "details.trigger.envUpdated": FALSE,
    "details.trigger.updatedProperty": EMPTY,
    "details.trigger.manual": FALSE,
    "details.trigger.clearCache": FALSE,
    "details.trigger.deployedByRender": FALSE,
    "details.trigger.user.email": "the id, then nobody is named",
    "details.trigger.user.id": "see email",
    "details.deployStatus": "anything but `succeeded` is told with the reason",
    "details.preDeployStatus": "anything but `succeeded` is told with the reason",
    "details.reason": "no reason is given; of `auto_deploy_disabled` it is Render's own word",
    "details.fromTrigger": "the setting before is unknown; so with an unknown word",
    "details.newTrigger": "`on`, made finer by the setting as read; so with an unknown word",
    "details.instanceID": "“An instance”",
    "details.message": "“Render gives no reason.”",
    "details.imageURL": "“The image”",
    "details.artifactId": "“The artifact”",
    "details.enabled": "“was changed”",
    "details.toURI": "“Render's own”",
    "details.actor": "nobody is named",
    "details.suspendedByUser.email": "see actor",
    "details.suspendedByUser.id": "see actor",
    "details.resumedByUser.email": "see actor",
    "details.resumedByUser.id": "see actor",
}

CALLS = (
    Call(
        RENDER,
        "list of services",
        "get",
        "/services",
        sends={"includePreviews": "`false`", **PAGING},
        rows="[].service",
        reads={"id": ROW, **SERVICE},
    ),
    Call(RENDER, "one service", "get", ONE, reads={"id": ANSWER, **SERVICE}),
    Call(
        RENDER,
        "custom domains of a service",
        "get",
        f"{ONE}/custom-domains",
        sends={"limit": "100, the most"},
        rows="[].customDomain",
        reads={
            "name": "the domain is left out; so is one that is no host name",
            "verificationStatus": "only `verified` ones become production addresses",
            "redirectForName": "with one, it only redirects and is left out",
        },
    ),
    Call(
        RENDER,
        "an environment",
        "get",
        "/environments/{environmentId}",
        reads={"id": ANSWER, "name": "no name, and taken as production"},
    ),
    Call(
        RENDER,
        "list of deploys",
        "get",
        f"{ONE}/deploys",
        sends={**PAGING, "status": "the live and the running ones, where only these are wanted"},
        rows="[].deploy",
        reads={"id": ROW, **DEPLOY},
    ),
    Call(RENDER, "one deploy", "get", f"{ONE}/deploys/{{deployId}}", reads=DEPLOY_ALONE),
    Call(
        RENDER,
        "events of a service",
        "get",
        f"{ONE}/events",
        sends={**PAGING, "startTime": "always, because without it Render shows one hour"},
        rows="[].event",
        reads={
            "id": EVENT,
            "timestamp": EVENT,
            "type": "an unknown type is left out",
            "serviceId": EMPTY,
            **EVENT_DETAILS,
        },
    ),
    Call(
        RENDER,
        "logs",
        "get",
        "/logs",
        sends={
            "ownerId": "of the service",
            "resource": "the service",
            "startTime": "since when; from the second page on `nextStartTime` of the page before",
            "endTime": "until when, where that is past; then `nextEndTime`",
            "direction": "`backward`",
            "instance": "those that began after the order, on an operation's page",
            "type": "where one is chosen",
            "level": "of the chosen level; where none is chosen, errors are asked for once more",
            "text": "where one is chosen without `*` and `/` at its start, which Render takes for patterns",
            "limit": "1 to 100",
        },
        rows="logs[]",
        reads={
            "id": "the line's time, source and masked text stand for it",
            "timestamp": NO_TIME,
            "message": EMPTY,
            "labels[].name": "the label is left out",
            "labels[].value": "an app's line of level info, from an unknown instance",
        },
    ),
    Call(
        RENDER,
        "instances that have written",
        "get",
        "/logs/values",
        sends={
            "ownerId": "of the service",
            "resource": "the service",
            "label": "`instance`",
            "startTime": "the hour before the order, then since the order",
            "endTime": "the order, then until when",
        },
        reads={"[]": "an instance without a name is left out"},
    ),
    *(
        Call(
            RENDER,
            title,
            "get",
            f"/metrics/{path}",
            sends={**WINDOW, **sends},
            rows="[]",
            reads={
                "labels[].field": label,
                "labels[].value": label,
                "values[].timestamp": "the point is left out",
                "values[].value": "the point is left out; so is one below 0",
                "unit": "taken as ms, bytes or a count",
            },
        )
        for title, path, sends, label in (
            ("requests by status code", "http-requests", {"aggregateBy": "`statusCode`"}, NO_CODE),
            ("latency", "http-latency", {"quantile": "0.5 or 0.95, one in a call"}, NOT_USED),
            ("CPU", "cpu", {}, NOT_USED),
            ("memory", "memory", {}, NOT_USED),
            ("number of instances", "instance-count", {}, NOT_USED),
        )
    ),
    Call(
        RENDER,
        "switch automatic deploys",
        "patch",
        ONE,
        sends={
            "autoDeployTrigger": "`off`, or exactly the setting from before",
            "autoDeploy": "`yes`, where only the older field was known",
        },
        reads={"autoDeploy": UNKNOWN + ": it is read back", "autoDeployTrigger": "see autoDeploy"},
    ),
    Call(
        RENDER,
        "rollback",
        "post",
        f"{ONE}/rollback",
        sends={"deployId": "the deploy to go back to"},
        status="201",
        reads={
            "id": "the order is unclear and is read back, never repeated",
            "status": "the deploy is followed either way",
        },
    ),
    Call(RENDER, "cancel a deploy", "post", f"{ONE}/deploys/{{deployId}}/cancel"),
)
