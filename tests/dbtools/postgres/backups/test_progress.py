"""How far a backup is, and when it will end."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtools.postgres.backups import progress
from dbtools.postgres.backups.progress import BackupProgress, ProgressMeter, copied_bytes, seconds_left
from dbtools.postgres.client import DatabaseAddress

SIZES = {"public.Order": 600, "other.small": 400}


def dumping(table: str) -> str:
    return f'pg_dump: dumping contents of table "{table}"'


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> list[BackupProgress]:
    monkeypatch.setattr(progress, "REPORT_SECONDS", 0)
    return []


def test_what_is_done_is_the_finished_tables_and_a_part_of_the_current_one(
    reports: list[BackupProgress], tmp_path: Path
) -> None:
    copied = 0
    (tmp_path / "file").write_bytes(b"x" * 70)
    meter = ProgressMeter(tmp_path / "file", SIZES, reports.append, lambda: copied)
    meter.tick()
    for table, copied in (("public.Order", 150), ("other.small", 9_999)):  # noqa: B007 - read by the meter
        meter.on_line(dumping(table))
        meter.tick()
    meter.read(35)
    assert [(one.table, one.number, one.done, one.total) for one in reports] == [
        ("", 0, 0, 1000), ("Order", 1, 150, 1000), ("other.small", 2, 1000, 1000), ("other.small", 2, 35, 70),
    ]  # fmt: skip
    assert [one.bytes for one in reports] == [70, 70, 70, 35]
    assert reports[0].seconds_left is None


@pytest.mark.parametrize(
    ("done", "total", "rate", "left"),
    [(0, 100, 0.0, None), (50, 0, 5.0, None), (50, 100, 5.0, 10.0), (120, 100, 5.0, 0.0)],
)
def test_the_end_is_known_once_something_is_done(
    done: int, total: int, rate: float, left: float | None
) -> None:
    assert seconds_left(done, total, rate) == left


def test_a_database_that_lets_no_further_session_in_is_backed_up_all_the_same() -> None:
    with copied_bytes(DatabaseAddress("/nonexistent", 5432, "nobody", "nothing")) as copied:
        assert copied() == 0
