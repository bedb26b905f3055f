"""How a chaos process changes the product before it starts; the product itself has no switch."""

from __future__ import annotations

from typing import Any


def put(where: Any, **parts: Any) -> None:
    """Put these in the place of the product's own."""
    for name, part in parts.items():
        setattr(where, name, part)
