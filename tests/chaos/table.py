"""One table for all runs, as text that can be pasted into docs/reliability.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from tests.chaos import celery_messages

HEAD = (
    "run", "seconds", "faults", "acknowledged", "in flight at a fault", "read back", "lost", "doubled",
    "other", "needs attention", "to receipt, s", "to the end, s", "verdict",
)  # fmt: skip
OTHER = ("untrue", "stuck", "crowded", "unaudited")
SHOWN = 4  # findings per kind


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def row(result: dict[str, Any], *, must_be_red: bool) -> bool:
    """Print how a run ended; return True if it ended as expected."""
    label = result["name"] if not result["without"] else f"without {result['without']}"
    if "broken" in result:
        result["verdict"] = "! did not run"
        say(f"{label}: the run itself broke off (code {result['broken']})")
        return False
    red = any(result["findings"].values())
    good = red == must_be_red and not result["short"]
    result["verdict"] = ("" if good else "! ") + _verdict(result, red)
    result["is_product"] = not must_be_red
    ended, faults = result["ended"], result["faults"]
    say(f"{label}: {result['verdict']}; {result['acknowledged']} acknowledged, ended {ended}, {faults}")
    for kind, sentences in result["findings"].items():
        for message in sentences[:SHOWN]:
            say(f"    {kind}: {message}")
    return good


def _verdict(result: dict[str, Any], red: bool) -> str:
    after = result["caught_after"]
    verdict = "green" if not red else "red" if after is None else f"red after {after:.0f} s"
    short = ", ".join(result["short"])
    return f"{verdict}, but only {short}" if short else verdict


def show(results: Sequence[dict[str, Any]]) -> None:
    say("")
    say("| " + " | ".join(HEAD) + " |")
    say("| " + " | ".join("---" for _ in HEAD) + " |")
    for result in results:
        say("| " + " | ".join(_cells(result)) + " |")


def _cells(result: dict[str, Any]) -> list[str]:
    label = result["name"] if not result["without"] else f"without {result['without']}"
    if "broken" in result:
        return [label, *["" for _ in HEAD[2:]], result["verdict"]]
    found = {kind: len(sentences) for kind, sentences in result["findings"].items()}
    return [
        label,
        f"{result['seconds']:.0f}",
        ", ".join(f"{count} {kind}" for kind, count in result["faults"].items()) or "none",
        str(result["acknowledged"]),
        str(result["in_flight"]),
        str(result["read_back"]),
        str(found["lost"]),
        str(found["doubled"]),
        ", ".join(f"{found[kind]} {kind}" for kind in OTHER if found[kind]) or "0",
        str(result["ended"].get("needs_attention", 0)),
        times(result["receipt"]),
        times(result["end"]),
        result["verdict"],
    ]


def times(values: Sequence[float]) -> str:
    """p50 / p99 / max."""
    if not values:
        return "none"
    picked = (at(values, 0.5), at(values, 0.99), values[-1])
    return " / ".join(f"{value:.1f}" for value in picked)


def at(values: Sequence[float], share: float) -> float:
    """Return the quantile of this share (nearest rank); `values` are sorted."""
    return values[min(len(values) - 1, max(0, -(-int(share * 1000) * len(values) // 1000) - 1))]


def total(results: Sequence[dict[str, Any]]) -> None:
    """Print the faults of all runs, and the results of the unchanged product's runs together."""
    ran = [result for result in results if "broken" not in result]
    product = [result for result in ran if result["is_product"]]
    minutes = sum(result["seconds"] for result in ran) / 60
    say(f"\nAll {len(ran)} runs: {faults(ran):,} faults in {minutes:.0f} min of load and waiting.")
    if not product:
        return
    acknowledged, in_flight = (sum(run[name] for run in product) for name in ("acknowledged", "in_flight"))
    found = {kind: sum(len(run["findings"][kind]) for run in product) for kind in product[0]["findings"]}
    attention = sum(run["ended"].get("needs_attention", 0) for run in product)
    say(
        f"The whole product, {len(product)} runs: {faults(product):,} faults, {acknowledged:,} acknowledged, "
        f"{in_flight:,} in flight at a fault; "
        + ", ".join(f"{many} {kind}" for kind, many in found.items())
        + f", {attention} needs attention."
    )
    if in_flight and not found["lost"] and not found["doubled"]:
        say(f"None of {in_flight:,} lost or doubled: the rate is below {bound(in_flight):.2%} at 95%.")


def faults(results: Sequence[dict[str, Any]]) -> int:
    """Count the faults; a storm is one, its single deliveries are none."""
    return sum(
        many
        for result in results
        for kind, many in result["faults"].items()
        if kind != celery_messages.DELIVERED
    )


def bound(seen: int) -> float:
    """Return the upper bound of the rate, at 95%, when none of this many failed."""
    return float(1 - 0.05 ** (1 / seen))
