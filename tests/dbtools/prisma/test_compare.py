"""Which migrations can be rolled back, and why the others cannot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import pytest

from dbtools.prisma.compare import NotSelectable, compare, select
from dbtools.prisma.folder import MigrationsFolder, from_files
from dbtools.prisma.history import HistoryRow

NAMES = ("20250101_a", "20250102_b", "20250103_c", "20250104_d")


def folder(names: Sequence[str] = NAMES, **texts: str) -> MigrationsFolder:
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
) -> HistoryRow:
    checksum = checksum or hashlib.sha256(f"-- {name}\n".encode()).hexdigest()
    number = f"id-{name}-{state}"
    return HistoryRow(
        number, name, checksum, state, steps, logs, at or f"{name[:8]}T00:00:00", json.dumps({"id": number})
    )


def rows(names: Sequence[str] = NAMES) -> list[HistoryRow]:
    return [row(name) for name in names]


def states(*args: object) -> dict[str, str]:
    return {entry.name: entry.state for entry in compare(*args)}  # type: ignore[arg-type]


def test_every_applied_migration_can_be_selected_with_all_later_ones() -> None:
    entries = compare(folder(), rows(), "")
    assert [entry.why_not for entry in entries] == ["", "", "", ""]
    assert [entry.name for entry in select(entries, "20250103_c")] == ["20250104_d", "20250103_c"]


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
def test_a_migration_that_cannot_be_selected_has_a_reason(name: str, why: str) -> None:
    history = [
        row(NAMES[0], steps=0, logs=""),
        row(NAMES[1], checksum="0" * 64),
        row(NAMES[2], state="rolled back"),
        row("20250105_e"),
    ]
    with pytest.raises(NotSelectable, match=why):
        select(compare(folder(), history, ""), name)


def test_a_later_migration_that_cannot_be_rolled_back_blocks_earlier_ones() -> None:
    history = [*rows(NAMES[:3]), row(NAMES[3], checksum="0" * 64)]
    entries = compare(folder(), history, "")
    assert all("20250104_d is later and cannot be rolled back" in entry.why_not for entry in entries[:3])


def test_a_later_pending_migration_blocks_nothing() -> None:
    entries = compare(folder(), rows(NAMES[:3]), "")
    assert [entry.name for entry in select(entries, NAMES[1])] == [NAMES[2], NAMES[1]]


def test_nothing_can_be_selected_while_a_migration_is_unfinished() -> None:
    entries = compare(folder(), [*rows(NAMES[:3]), row(NAMES[3], state="unfinished")], "")
    assert entries[3].state == "failed"
    assert all("has failed or is being applied" in entry.why_not for entry in entries[:3])


def test_a_resolved_failure_is_ignored_and_the_applied_row_is_used() -> None:
    history = [*rows(), row(NAMES[3], state="rolled back")]
    (entry,) = select(compare(folder(), history, ""), NAMES[3])
    assert entry.row == f"id-{NAMES[3]}-applied"


def test_two_applied_rows_of_one_name_need_a_person() -> None:
    twice = [*rows(), HistoryRow("other", NAMES[3], "x", "applied", 1, None, "2025", "{}")]
    assert "2 applied rows" in compare(folder(), twice, "")[3].why_not


def test_an_up_and_down_file_is_refused() -> None:
    text = "-- Migration: Up\nSELECT 1;\n-- Migration: Down\nSELECT 2;\n"
    checksum = hashlib.sha256(text.encode()).hexdigest()
    history = [*rows(NAMES[:3]), row(NAMES[3], checksum=checksum)]
    assert "Up and a Down part" in compare(folder(**{NAMES[3]: text}), history, "")[3].why_not


def test_another_order_of_application_is_a_warning() -> None:
    history = [row(NAMES[0], at="2025-05-01"), row(NAMES[1], at="2025-04-01"), row(NAMES[2], at="2025-05-01")]
    warnings = [entry.warning for entry in compare(folder(NAMES[:3]), history, "")]
    assert "applied before 20250101_a" in warnings[1]
    assert "same moment as 20250101_a" in warnings[2]
