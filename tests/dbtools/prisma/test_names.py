"""The order in which Prisma applies migrations, and when it is unknown."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from dbtools.prisma.names import UnknownOrder, sort_names

ODD = ["1_b", "10_a", "2_c", "2024_x", "20240101_y", "a_low", "A_up"]


def test_since_6_6_names_are_in_the_order_of_javascripts_locale() -> None:
    wanted = ("1_b", "10_a", "2_c", "2024_x", "20240101_y", "a_low", "A_up")
    assert sort_names(reversed(ODD), "6.19.3") == wanted
    assert sort_names(ODD, "7.10.0") == wanted


def test_before_6_6_names_are_sorted_by_bytes() -> None:
    assert sort_names(ODD, "6.5.0") == ("10_a", "1_b", "20240101_y", "2024_x", "2_c", "A_up", "a_low")


def test_usual_names_are_sorted_without_a_version() -> None:
    names = ["20250102000000_b", "20250101000000_a"]
    assert sort_names(names, "") == ("20250101000000_a", "20250102000000_b")


def test_an_order_that_depends_on_an_unknown_version_is_not_guessed() -> None:
    with pytest.raises(UnknownOrder, match="depends on Prisma's version"):
        sort_names(ODD, "")


def test_the_order_of_a_name_outside_ascii_is_unknown() -> None:
    with pytest.raises(UnknownOrder, match="outside ASCII"):
        sort_names(["20250101_a", "20250102_größe"], "7.0.0")


def test_the_order_is_the_same_as_in_node() -> None:
    """Many names, made of all characters to be expected in the name of a directory, in one process."""
    if shutil.which("node") is None:
        pytest.skip("there is no Node.js here to compare with")
    signs = "abzABZ019_-. ,;!()[]{}@&#%^+=~$'"
    names = sorted({f"{a}{b}{c}" for a in signs for b in signs[::3] for c in "a1_"} - {" "})
    names = [name for name in names if name == name.strip()]
    script = (
        "const n = JSON.parse(require('fs').readFileSync(0)); "
        "n.sort((a, b) => a.localeCompare(b)); console.log(JSON.stringify(n))"
    )
    done = subprocess.run(
        ["node", "-e", script], input=json.dumps(names), capture_output=True, text=True, check=True
    )
    assert list(sort_names(names, "7.0.0")) == json.loads(done.stdout)
