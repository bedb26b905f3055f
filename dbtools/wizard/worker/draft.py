"""Step 3, the worker's part: what the migration did, a down.sql beside it, and a draft that was proven."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from dbtools.config import NotConfigured, database
from dbtools.down_draft import Draft, NotReplayed, Replay
from dbtools.postgres.client import Error, Unreachable
from dbtools.postgres.programs import NoProgram
from dbtools.postgres.scratch import NoScratch, Scratch
from dbtools.prisma.folder import Folder, NotAFolder
from dbtools.prisma.mirror import NoMirror
from dbtools.wizard.worker.backup_and_rehearse import is_replayed, place_to_rehearse, why_not_replayed
from dbtools.wizard.worker.context import WizardContext
from dbtools.wizard.worker.read_migrations import read_folder
from rollback_portal.audit.models import Outcome


def draft(hold: WizardContext) -> None:
    """Prefill the editor; where no draft can be made the page says why, and the person writes without one."""
    rollback = hold.rollback
    try:
        folder = read_folder(rollback, database(rollback.database.name))
    except (NotConfigured, NotAFolder, NoMirror) as error:
        said = f"The migrations could not be read again: {error}"
        hold.advance("choosing", said, action="draft", outcome=Outcome.FAILED, selected=[])
        return
    going = [folder.migrations[name] for name in rollback.selected]
    stored: dict[str, Any] = {
        "up": [{"name": each.name, "sql": each.sql or ""} for each in going],
        "down": "\n".join(each.down for each in going if each.down),
        "lines": [], "text": "", "message": "",
    }  # fmt: skip
    stored |= _proposed(hold, folder)
    said = str(stored["message"]) or "The draft is ready."
    hold.advance("writing", said, action="draft", draft=stored)


def _proposed(hold: WizardContext, folder: Folder) -> dict[str, Any]:
    """A draft that was run and compared on a scratch database, or the reason why there is none."""
    rollback = hold.rollback
    names = [each["name"] for each in rollback.migrations]
    earlier = rollback.migrations[: names.index(rollback.selected[-1])]
    why = why_not_replayed(earlier)
    if why:
        return {"message": f"There is no draft: {why}"}
    configured = database(rollback.database.name)
    before = [each["name"] for each in earlier if is_replayed(each)]
    try:
        with place_to_rehearse(configured) as place:
            schema = configured.target().schema
            found = _walk(hold, place, schema, _texts(folder, before), _texts(folder, rollback.selected))
    except (NoScratch, NoProgram, NotReplayed, Unreachable, Error) as error:
        return {"message": f"There is no draft: {error}"}
    lines = [asdict(line) for line in found.lines]
    text = found.text if found.statements else ""
    return {"lines": lines, "text": text, "message": found.message}


def _walk(hold: WizardContext, place: Scratch, schema: str, before: list[str], going: list[str]) -> Draft:
    """Through the history up to the migration, then past it, and a proven way back."""
    with Replay(place, schema=schema) as replay:
        for number, text in enumerate(before, 1):
            hold.report(phase=f"Migration {number} of {len(before)} is applied to a scratch database.")
            replay.apply(text)
        earlier = replay.state()
        for text in reversed(going):
            replay.apply(text)
        hold.report(phase="The way back is looked for, run and compared.")
        return replay.draft(going, earlier, replay.state())


def _texts(folder: Folder, names: list[str]) -> list[str]:
    return [folder.migrations[name].sql or "" for name in names]
