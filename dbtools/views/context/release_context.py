"""The backup on the page of step 9: who wants to take it out, who has to answer, and what was restored."""

from __future__ import annotations

from typing import Any

from dbtools.models import BackupRelease, DatabaseRollback
from dbtools.release_forms import newest_release
from dbtools.views.badges import restore_badge
from dbtools.views.buttons import Viewer, approve_release_button, ask_release_button
from dbtools.wizard import releases, rights
from dbtools.wizard.binding import release_digest_of
from rollback_portal.text import age, clean_line

WANTS = {"download": "wants to download the backup", "restore": "wants to restore the backup into {name}"}
MAY = {"download": "may download the backup", "restore": "had it restored into {name}"}


def release_context(rollback: DatabaseRollback, viewer: Viewer) -> dict[str, Any]:
    """The open requests with their buttons, the buttons that ask, and the restores so far."""
    backup = rollback.backup
    open_ones = [release for release in rollback.releases.all() if is_shown(release)]
    kinds = {release.kind for release in open_ones}
    return {
        "releases": [release_entry(release, viewer) for release in open_ones],
        "newest_release": newest_release(rollback),
        "restore_button": ask_release_button(viewer, rollback, kinds, "restore"),
        "download_button": ask_release_button(viewer, rollback, kinds, "download"),
        "restores": [
            {"restore": restore, "badge": restore_badge(restore)}
            for restore in (backup.restores.all() if backup else [])
        ],
    }


def is_shown(release: BackupRelease) -> bool:
    """Whether somebody still has to do something: a restore goes on by itself, and an approval expires."""
    waits_to_be_used = release.status == "approved" and release.kind == "download"
    return release.status == "requested" or (waits_to_be_used and not rights.expired(release))


def release_entry(release: BackupRelease, viewer: Viewer) -> dict[str, Any]:
    """One request, and what this person can do about it."""
    mine = viewer.user_id == release.requested_by_id
    void = releases.void_reason(release) if release.status == "approved" else ""
    return {
        "release": release,
        "message": release_message(release),
        "void_reason": void,
        "mine": mine,
        "seen": release_digest_of(release),
        "approve_button": approve_release_button(viewer, release) if release.status == "requested" else None,
        "take_button": viewer.button(unless=void) if release.status == "approved" and mine else None,
    }


def release_message(release: BackupRelease) -> str:
    """Who asked for what and why, and who has allowed it, in one or two sentences."""
    who, name = clean_line(release.requested_by_name, 80), release.name
    wants = WANTS[release.kind].format(name=name)
    message = f"{who} {wants}, {age(release.requested_at)} ago: “{clean_line(release.reason, 300)}”."
    if release.status != "approved":
        return message
    allowed = MAY[release.kind].format(name=name)
    return f"{message} {clean_line(release.approved_by_name, 80)} approved it: {who} {allowed} once."
