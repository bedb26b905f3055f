"""Reads the logs that somebody looks at. Where nobody looks, a provider is not asked at all."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

from django.db import InterfaceError, OperationalError

from deployments.logs.reading import query_of
from deployments.logs.saving import save_failure, save_lines
from deployments.logs.wishes import due, prune
from deployments.models import LogView
from deployments.providers.base import Provider, ProviderError, Unreachable
from deployments.providers.logs import LogPage, LogQuery
from deployments.sync import circuit_breaker

log = logging.getLogger(__name__)

AT_ONCE = 6  # views that one pass reads, each in a thread of its own: Vercel's stream takes seconds


def read_wanted(name: str, provider: Provider) -> int:
    """Read what somebody looks at of this provider's logs. Returns how many views were read or tried.

    Raises only where the portal's own database does not answer.
    """
    prune()
    views = due(name, AT_ONCE)
    if not views:
        return 0
    if not circuit_breaker.allows(name):
        for view in views:
            save_failure(
                view, Unreachable(f"{name.capitalize()} does not answer at the moment, so it is left alone.")
            )
        return len(views)
    queries = [query_of(view) for view in views]
    with ThreadPoolExecutor(AT_ONCE, "logs") as threads:
        answers = list(threads.map(lambda query: _ask(provider, query), queries))
    for view, answer in zip(views, answers, strict=True):
        _save(view, answer)
    return len(views)


def _ask(provider: Provider, query: LogQuery) -> LogPage | Exception:
    """In a thread: no database here."""
    try:
        return provider.logs(query)
    except ProviderError as error:
        return error
    except Exception as error:
        log.exception("A log was not understood.")
        return error


def _save(view: LogView, answer: LogPage | Exception) -> None:
    if isinstance(answer, Exception):
        save_failure(view, answer)
        return
    try:
        save_lines(view, answer)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("The log of %s could not be saved.", view.service)
        save_failure(view, error)
