"""The HTML of a deployment in its cell, written once for equal content: `{% cell item side quiet %}`.

A page has up to two hundred cells, and all who look at it get the same ones, again with each poll.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from django import template
from django.template.loader import get_template
from django.utils import timezone
from django.utils.safestring import SafeString

from deployments.pages.board.item import BoardItem
from deployments.templatetags.sentence import sentence

TEMPLATE = "deployments/_cell.html"
REMEMBERED = 2_000  # cells of a process, about 3 kB each

register = template.Library()


@register.simple_tag
def cell(item: BoardItem, side: str, quiet: bool) -> SafeString:
    """The item as HTML.

    Args:
        side: the kind of its column.
        quiet: whether its button steps back behind that of the suggestion.
    """
    return _written(item, sentence(item.facts), side, quiet, timezone.now().date())


@lru_cache(maxsize=REMEMBERED)
def _written(item: BoardItem, facts: SafeString, side: str, quiet: bool, today: date) -> SafeString:
    """Times are written with the day where it is not `today`, and `facts` hold ages."""
    shown = {"item": item, "facts": facts, "side": side, "quiet": quiet}
    return SafeString(get_template(TEMPLATE).render(shown))
