"""Patches the product in a chaos process before it starts; the product itself has no switch."""

from __future__ import annotations

from typing import Any


def replace_parts(target: Any, **parts: Any) -> None:
    """Replace these attributes of a product module or class."""
    for name, part in parts.items():
        setattr(target, name, part)
