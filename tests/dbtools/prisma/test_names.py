"""In which order Prisma applies migrations, and when that cannot be told."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from dbtools.prisma.names import UnknownOrder, in_order

ODD = ["1_b", "10_a", "2_c", "2024_x", "20240101_y", "a_low", "A_up"]


def test_since_6_6_names_are_in_the_order_of_javascripts_locale() -> None:
    wanted = ("1_b", "10_a", "2_c", "2024_x", "20240101_y", "a_low", "A_up")
    assert in_order(reversed(ODD), "6.19.3") == wanted
    assert in_order(ODD, "7.10.0") == wanted


def test_before_6_6_names_are_in_the_order_of_their_bytes() -> None:
    assert in_order(ODD, "6.5.0") == ("10_a", "1_b", "20240101_y", "2024_x", "2_c", "A_up", "a_low")


def test_usual_names_need_no_version() -> None:
    names = ["20250102000000_b", "20250101000000_a"]
    assert in_order(names, "") == ("20250101000000_a", "20250102000000_b")


def test_where_the_version_decides_and_is_unknown_nothing_is_guessed() -> None:
    with pytest.raises(UnknownOrder, match="depends on Prisma's version"):
        in_order(ODD, "")


def test_a_name_outside_ascii_has_no_certain_place() -> None:
    with pytest.raises(UnknownOrder, match="outside ASCII"):
        in_order(["20250101_a", "20250102_größe"], "7.0.0")


def test_the_order_is_the_one_that_node_gives() -> None:
    """One process for many names, made of every sign that a directory's name can be expected to have."""
    if shutil.which("node") is None:
        pytest.skip("there is no Node.js here to compare with")
    signs = "abzABZ019_-. ,;!()[]{}@&#%^+=~$'"
    names = sorted({f"{a}{b}{c}" for a in signs for b in signs[::3] for c in "a1_"} - {" "})
    names = [name for name in names if name == name.strip()]
    script = (
        "const n = JSON.parse(require('fs').readFileSync(0)); "
        "n.sort((a, b) => a.localeCompare(b)); console.log(JSON.stringify(n))"
    )
    told = subprocess.run(
        ["node", "-e", script], input=json.dumps(names), capture_output=True, text=True, check=True
    )
    assert list(in_order(names, "7.0.0")) == json.loads(told.stdout)
