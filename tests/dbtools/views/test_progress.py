"""The figures of a backup and of a rehearsal: a total, a rate and an estimate of the end."""

from __future__ import annotations

import pytest

from dbtools.models.progress import Progress
from dbtools.views.progress import progress_figures

MB = 1024**2


@pytest.mark.parametrize(
    ("progress", "figures"),
    [
        ({}, {}),
        ({"phase": "replaying"}, {"Now": "replaying"}),
        (
            {"phase": "dumping", "bytes": 30 * MB, "done": 50 * MB, "total": 200 * MB, "rate": 5.0 * MB,
             "left": 30.0},
            {"Now": "dumping", "Done": "50.0 MB of 200.0 MB, 25%", "File": "30.0 MB", "Rate": "5.0 MB/s",
             "Left": "about 30 s"},
        ),
        (
            {"phase": "dumping", "done": 0, "total": 200 * MB, "left": -1.0},
            {"Now": "dumping", "Done": "0 bytes of 200.0 MB, 0%", "Left": "not known yet"},
        ),
        (
            {"phase": "The SQL runs.", "step": 4, "steps": 12, "usual": 125.0},
            {"Now": "The SQL runs.", "Step": "4 of 12", "Whole rehearsal": "about 2 min, by the last one"},
        ),
        (
            {"phase": "The SQL runs.", "step": 4, "steps": 12, "usual": 0.0},
            {"Now": "The SQL runs.", "Step": "4 of 12", "Whole rehearsal": "not known: it is the first one"},
        ),
    ],
)  # fmt: skip
def test_each_number_has_its_name_and_unit(progress: Progress, figures: dict[str, str]) -> None:
    assert {name: " ".join(value.split()) for name, value in progress_figures(progress)} == figures
