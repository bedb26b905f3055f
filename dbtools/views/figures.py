"""What a worker counts while it works, as a page shows it: each number with its unit."""

from __future__ import annotations

from typing import Any

from django.template.defaultfilters import filesizeformat


def figures(progress: dict[str, Any]) -> list[tuple[str, str]]:
    """Bytes, rate and table of the backup, or whatever else is counted."""
    told: list[tuple[str, str]] = []
    if progress.get("phase"):
        told.append(("Now", str(progress["phase"])[:120]))
    if "bytes" in progress:
        told.append(("Written", filesizeformat(progress["bytes"])))
    if progress.get("rate"):
        told.append(("Rate", f"{filesizeformat(progress['rate'])}/s"))
    if progress.get("table"):
        told.append(("Table", str(progress["table"])[:80]))
    return told
