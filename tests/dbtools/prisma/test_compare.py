"""Folder and history side by side, and what can be chosen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import pytest

from dbtools.postgres.client import Connection
from dbtools.prisma.compare import NotChoosable, arrange, chosen
from dbtools.prisma.folder import Folder, from_files
from dbtools.prisma.history import NoHistory, Row, digest, read

NAMES = ("20250101_a", "20250102_b", "20250103_c", "20250104_d")
TABLE = """
CREATE TABLE _prisma_migrations (id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL,
  finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)
"""


def folder(names: Sequence[str] = NAMES, **texts: str) -> Folder:
    return from_files(
        {f"{name}/migration.sql": texts.get(name, f"-- {name}\n").encode() for name in names}, "a test"
    )


def row(
    name: str,
    *,
    state: str = "applied",
    at: str = "",
    checksum: str = "",
    steps: int = 1,
    logs: str | None = None,
) -> Row:
    checksum = checksum or hashlib.sha256(f"-- {name}\n".encode()).hexdigest()
    number = f"id-{name}-{state}"
    return Row(
        number, name, checksum, state, steps, logs, at or f"{name[:8]}T00:00:00", json.dumps({"id": number})
    )


def rows(names: Sequence[str] = NAMES) -> list[Row]:
    return [row(name) for name in names]


def states(*args: object) -> dict[str, str]:
    return {entry.name: entry.state for entry in arrange(*args)}  # type: ignore[arg-type]


def test_every_applied_one_can_head_a_suffix_that_goes_newest_first() -> None:
    entries = arrange(folder(), rows(), "")
    assert [entry.why_not for entry in entries] == ["", "", "", ""]
    assert [entry.name for entry in chosen(entries, "20250103_c")] == ["20250104_d", "20250103_c"]


def test_each_state_has_its_name() -> None:
    history = [
        row(NAMES[0], steps=0, logs=""),
        row(NAMES[1], checksum="0" * 64),
        row(NAMES[2], state="rolled back"),
        row("20250105_e"),
    ]
    assert states(folder(), history, "") == {
        NAMES[0]: "squashed baseline",
        NAMES[1]: "edited since",
        NAMES[2]: "rolled back",
        NAMES[3]: "pending",
        "20250105_e": "unknown to the folder",
    }


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (NAMES[0], "recorded"),
        (NAMES[1], "edited"),
        (NAMES[2], "not applied"),
        (NAMES[3], "not applied"),
        ("20250105_e", "not in this folder"),
        ("nothing", "no migration"),
    ],
)
def test_what_cannot_be_chosen_says_why(name: str, why: str) -> None:
    history = [
        row(NAMES[0], steps=0, logs=""),
        row(NAMES[1], checksum="0" * 64),
        row(NAMES[2], state="rolled back"),
        row("20250105_e"),
    ]
    with pytest.raises(NotChoosable, match=why):
        chosen(arrange(folder(), history, ""), name)


def test_a_later_one_that_cannot_go_holds_the_earlier_ones() -> None:
    history = [*rows(NAMES[:3]), row(NAMES[3], checksum="0" * 64)]
    entries = arrange(folder(), history, "")
    assert all("20250104_d is later and cannot be rolled back" in entry.why_not for entry in entries[:3])


def test_a_pending_one_after_it_is_in_nobodys_way() -> None:
    entries = arrange(folder(), rows(NAMES[:3]), "")
    assert [entry.name for entry in chosen(entries, NAMES[1])] == [NAMES[2], NAMES[1]]


def test_nothing_can_be_chosen_while_one_has_not_finished() -> None:
    entries = arrange(folder(), [*rows(NAMES[:3]), row(NAMES[3], state="unfinished")], "")
    assert entries[3].state == "failed"
    assert all("has failed or is being applied" in entry.why_not for entry in entries[:3])


def test_an_earlier_failure_that_was_settled_is_history_and_the_applied_row_is_taken() -> None:
    history = [*rows(), row(NAMES[3], state="rolled back")]
    (entry,) = chosen(arrange(folder(), history, ""), NAMES[3])
    assert entry.row == f"id-{NAMES[3]}-applied"


def test_two_applied_rows_of_one_name_need_a_person() -> None:
    twice = [*rows(), Row("other", NAMES[3], "x", "applied", 1, None, "2025", "{}")]
    assert "2 applied rows" in arrange(folder(), twice, "")[3].why_not


def test_an_up_and_down_file_is_refused() -> None:
    text = "-- Migration: Up\nSELECT 1;\n-- Migration: Down\nSELECT 2;\n"
    checksum = hashlib.sha256(text.encode()).hexdigest()
    history = [*rows(NAMES[:3]), row(NAMES[3], checksum=checksum)]
    assert "Up and a Down part" in arrange(folder(**{NAMES[3]: text}), history, "")[3].why_not


def test_an_order_of_time_that_disagrees_is_a_warning() -> None:
    history = [row(NAMES[0], at="2025-05-01"), row(NAMES[1], at="2025-04-01"), row(NAMES[2], at="2025-05-01")]
    warnings = [entry.warning for entry in arrange(folder(NAMES[:3]), history, "")]
    assert "applied before 20250101_a" in warnings[1]
    assert "same moment as 20250101_a" in warnings[2]


# --- the table itself ---------------------------------------------------------------------------------------
def test_the_table_is_read_whole_and_any_change_makes_another_digest(opened: Connection) -> None:
    opened.execute(TABLE.encode())
    opened.execute(
        "INSERT INTO _prisma_migrations VALUES ('1', 'c', now(), 'a', NULL, NULL, now(), 1),"
        " ('2', 'c', NULL, 'b', 'boom', NULL, now(), 0), ('3', 'c', now(), 'c', '', NULL, now(), 0),"
        " ('4', 'c', NULL, 'd', NULL, now(), now(), 0)"
    )
    found = read(opened, "public")
    assert {each.name: each.state for each in found} == {
        "a": "applied", "b": "unfinished", "c": "applied", "d": "rolled back",
    }  # fmt: skip
    assert [each.never_ran for each in sorted(found, key=lambda each: each.id)] == [False, False, True, False]
    before = digest(found)
    assert digest(reversed(found)) == before
    opened.execute("UPDATE _prisma_migrations SET logs = 'other' WHERE id = '2'")
    assert digest(read(opened, "public")) != before


def test_a_missing_table_says_what_there_is_instead(opened: Connection) -> None:
    with pytest.raises(NoHistory, match="never used here"):
        read(opened, "public")
    opened.execute("CREATE SCHEMA app")
    opened.execute("SET search_path = app")
    opened.execute(TABLE.encode())
    with pytest.raises(NoHistory, match="app has one"):
        read(opened, "public")
    opened.execute("CREATE SCHEMA prisma_contract")
    opened.execute("CREATE TABLE prisma_contract.marker (id int)")
    with pytest.raises(NoHistory, match="Prisma 8"):
        read(opened, "public")
