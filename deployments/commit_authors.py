"""Who wrote a commit, where its provider does not say: another service that built it may know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from deployments.models import Deployment

NUMBER = re.compile(r"\(#(\d{1,12})\)\s*$")


def with_credit(rows: Iterable[Deployment]) -> Sequence[Deployment]:
    """The same rows with author and pull request filled in for reading, in at most one query.

    Render names no author; Vercel does. The pull request is the number that the host puts at the end
    of the commit's first line. Nothing is written.
    """
    found = list(rows)
    lacking = {row.commit_sha for row in found if row.commit_sha and not row.author}
    authors = _authors(lacking) if lacking else {}
    for row in found:
        row.author = row.author or authors.get(row.commit_sha, "")
        row.pull_request = row.pull_request or _number(row.commit_message)
    return found


def _authors(commits: set[str]) -> dict[str, str]:
    known = Deployment.objects.filter(commit_sha__in=commits).exclude(author="")
    return dict(known.order_by("created_at").values_list("commit_sha", "author"))


def _number(message: str) -> str:
    match = NUMBER.search(message.strip().partition("\n")[0])
    return match[1] if match else ""
