"""No pattern takes long, whatever the line: its steps are counted from the expression, and by no clock."""

from __future__ import annotations

import re
from typing import Any

import pytest

from deployments.logs import masking, plain_text
from deployments.logs.masking import EXAMINED, LineMasker, mask
from deployments.logs.patterns import PATTERNS

MOST_STEPS = 20_000_000  # for one pattern on the longest text: about 0.2 s
ENDLESS = re._constants.MAXREPEAT  # type: ignore[attr-defined]
EXPRESSIONS = {f"{number}-{one.kind}": one.expression for number, one in enumerate(PATTERNS)}


Part = tuple[Any, Any]


class MayBacktrack(Exception):
    """The expression can try one text in many ways."""


def steps(expression: re.Pattern[str]) -> int:
    """The most characters that are looked at from one starting point.

    An endless repetition counts once where nothing can fail after it: what it took is then taken, and no
    other starting point looks at it again. Raises MayBacktrack for any other.
    """
    parts = list(re._parser.parse(expression.pattern, expression.flags))  # type: ignore[attr-defined]
    anchored = str(parts[0][0]) == "AT"  # there is one starting point in a line
    return _sequence(parts, [], anchored=anchored)


def _sequence(parts: list[Part], after: list[Part], *, anchored: bool) -> int:
    return sum(
        _part(str(code), value, [*parts[at + 1 :], *after], anchored=anchored)
        for at, (code, value) in enumerate(parts)
    )


def _part(code: str, value: Any, after: list[Part], *, anchored: bool) -> int:
    inside = {"SUBPATTERN": 3, "ASSERT": 1, "ASSERT_NOT": 1}
    if code in {"LITERAL", "NOT_LITERAL", "IN", "ANY", "AT"}:
        return 1
    if code == "BRANCH":
        return sum(_sequence(list(branch), after, anchored=anchored) for branch in value[1])
    if code in inside:
        return _sequence(list(value[inside[code]]), after, anchored=anchored)
    if code != "POSSESSIVE_REPEAT":
        raise MayBacktrack(code)
    least, most, inner = value
    if most == ENDLESS and not anchored and any(map(_can_fail, after)):
        raise MayBacktrack("an endless repetition is followed by what may fail")
    times = max(least, 1) if most == ENDLESS else int(most)
    return times * _sequence(list(inner), [], anchored=anchored)


def _can_fail(part: Part) -> bool:
    return not (str(part[0]) == "POSSESSIVE_REPEAT" and part[1][0] == 0)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_pattern_takes_a_bounded_number_of_steps(name: str) -> None:
    assert steps(EXPRESSIONS[name]) * EXAMINED <= MOST_STEPS


def test_taking_colours_out_takes_a_bounded_number_of_steps() -> None:
    assert steps(plain_text.COLOURS) * EXAMINED <= MOST_STEPS


@pytest.mark.parametrize("expression", ["(a+)+$", "a*b", "a{1,9}a", "x*+y", "(x*+)y", "(?:a|b)*c", "a.*?b"])
def test_what_would_take_long_is_found(expression: str) -> None:
    with pytest.raises(MayBacktrack):
        steps(re.compile(expression))


@pytest.mark.parametrize("text", ["a", "://", "password=", "a@", "-", '\\"', "Ab1", "\x1b[", "%3a", "0 "])
def test_of_a_line_of_100_kb_no_pattern_sees_more_than_8_kb(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    masked = masking._masked

    def measured(line: str) -> str:
        seen.append(len(line))
        return masked(line)

    monkeypatch.setattr(masking, "_masked", measured)
    line = text * (100_000 // len(text))
    mask(line)
    LineMasker().mask(line)
    assert len(seen) == 2
    assert max(seen) <= EXAMINED + 20
