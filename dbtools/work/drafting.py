"""Step 3, the worker's part: what the migration did, a down.sql beside it, and a draft that was proven."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from dbtools.configured import NotConfigured, database
from dbtools.drafts import Draft, NotReplayed, Replay
from dbtools.prisma.folder import Folder, NotAFolder
from dbtools.prisma.mirror import NoMirror
from dbtools.programs import NoProgram
from dbtools.scratch import NoScratch, Scratch
from dbtools.target import Error, Unreachable
from dbtools.work.hold import Hold
from dbtools.work.proving import is_replayed, place_to_rehearse, why_not_replayed
from dbtools.work.reading import read_folder
from rollback_portal.audit.models import Outcome


def draft(hold: Hold) -> None:
    """Prefill the editor; where no draft can be made the page says why, and the person writes without one."""
    rollback = hold.rollback
    try:
        folder = read_folder(rollback, database(rollback.database.name))
    except (NotConfigured, NotAFolder, NoMirror) as error:
        said = f"The migrations could not be read again: {error}"
        hold.move("choosing", said, action="draft", outcome=Outcome.FAILED, chosen=[])
        return
    going = [folder.migrations[name] for name in rollback.chosen]
    stored: dict[str, Any] = {
        "up": [{"name": each.name, "sql": each.sql or ""} for each in going],
        "down": "\n".join(each.down for each in going if each.down),
        "lines": [], "text": "", "sentence": "",
    }  # fmt: skip
    stored |= _proposed(hold, folder)
    said = str(stored["sentence"]) or "The draft is ready."
    hold.move("writing", said, action="draft", draft=stored)


def _proposed(hold: Hold, folder: Folder) -> dict[str, Any]:
    """A draft that was run and compared on a scratch database, or the reason why there is none."""
    rollback = hold.rollback
    names = [each["name"] for each in rollback.entries]
    earlier = rollback.entries[: names.index(rollback.chosen[-1])]
    why = why_not_replayed(earlier)
    if why:
        return {"sentence": f"There is no draft: {why}"}
    configured = database(rollback.database.name)
    before = [each["name"] for each in earlier if is_replayed(each)]
    try:
        with place_to_rehearse(configured) as place:
            schema = configured.target().schema
            found = _walk(hold, place, schema, _texts(folder, before), _texts(folder, rollback.chosen))
    except (NoScratch, NoProgram, NotReplayed, Unreachable, Error) as error:
        return {"sentence": f"There is no draft: {error}"}
    lines = [asdict(line) for line in found.lines]
    text = found.text if found.statements else ""
    return {"lines": lines, "text": text, "sentence": found.sentence}


def _walk(hold: Hold, place: Scratch, schema: str, before: list[str], going: list[str]) -> Draft:
    """Through the history up to the migration, then past it, and a proven way back."""
    with Replay(place, schema=schema) as replay:
        for number, text in enumerate(before, 1):
            hold.say(phase=f"Migration {number} of {len(before)} is applied to a scratch database.")
            replay.apply(text)
        earlier = replay.state()
        for text in reversed(going):
            replay.apply(text)
        hold.say(phase="The way back is looked for, run and compared.")
        return replay.draft(going, earlier, replay.state())


def _texts(folder: Folder, names: list[str]) -> list[str]:
    return [folder.migrations[name].sql or "" for name in names]
