"""The HTML of a sentence made of parts: `{{ facts|sentence }}`.

Each part is escaped here. A function instead of an included template, because a board has hundreds of parts.
"""

from __future__ import annotations

from collections.abc import Callable

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from deployments.pages.sentence import Part, PartKind, Sentence
from rollback_portal.templatetags.text import hour, moment, ticking

register = template.Library()


@register.filter
def sentence(parts: Sentence) -> SafeString:
    return SafeString("".join([WRITTEN[part.kind](part) for part in parts]))


def _link(part: Part) -> SafeString:
    return format_html('<a href="{}" rel="noreferrer" target="_blank">{}</a>', part.url, part.text)


def _age(part: Part) -> SafeString:
    if not part.freshness_key:
        return format_html('<span class="num">{}</span>', ticking(part.at))
    return format_html('<span class="num" data-fresh="{}">{}</span>', part.freshness_key, ticking(part.at))


WRITTEN: dict[PartKind, Callable[[Part], SafeString | str]] = {
    "text": lambda part: escape(part.text),
    "code": lambda part: format_html("<code>{}</code>", part.text),
    "strong": lambda part: format_html("<strong>{}</strong>", part.text),
    "faint": lambda part: format_html('<span class="faint">{}</span>', part.text),
    "link": _link,
    "moment": lambda part: moment(part.at),
    "time": lambda part: hour(part.at),
    "age": _age,
}
