"""Marking a commit on a deployment's page, and what lists and dialogs then say."""

from __future__ import annotations

import pytest
from django.test import Client

from deployments.models import Change, CommitMark, Deployment, Operation
from tests import factories
from tests.deployments.views.confirm.dialog import address, fill
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def page_of(deployment: Deployment) -> str:
    return f"/services/{deployment.service.slug}/deployments/{deployment.provider_id}/"


def mark(client: Client, deployment: Deployment, verdict: str, reason: str = "500s at checkout") -> str:
    where = f"{page_of(deployment)}mark/"
    return text(client.post(where, {"verdict": verdict, "reason": reason, "incident": "INC-9"}, follow=True))


def test_a_marked_commit_says_who_and_why_and_has_no_button_in_the_list(
    responder: Client, target: Deployment
) -> None:
    assert "is marked bad, on every service that builds it" in mark(responder, target, "bad")
    assert "by Ana Ruiz: 500s at checkout (INC-9)" in text(responder.get(page_of(target)))
    listed = responder.get("/")
    assert "marked bad; open it to bring it back all the same" in text(listed)
    assert address(target.service, target) not in listed.content.decode()


def test_the_second_page_asks_and_starts_it_only_with_the_answer(
    responder: Client, target: Deployment
) -> None:
    mark(responder, target, "bad")
    where = address(target.service, target)
    assert where in responder.get(page_of(target)).content.decode()
    refused = responder.post(where, fill(responder, where))
    assert (refused.status_code, Change.objects.count()) == (409, 0)
    assert "MARKED BAD" in text(refused)
    assert responder.post(where, fill(responder, where, again="on")).status_code == 303


def test_promoting_says_which_bad_commits_come(responder: Client, target: Deployment) -> None:
    newer = factories.deployment(
        target.service, "Newer", created_at=factories.ago(minutes=5), served=False, live_until=None
    )
    mark(responder, newer, "bad")
    staged = factories.deployment(
        target.service,
        "Newest",
        created_at=factories.ago(minutes=2),
        staged=True,
        served=False,
        live_until=None,
    )
    dialog = text(responder.get(address(target.service, staged, "promote")))
    assert "BAD COMMITS COME" in dialog
    assert newer.short_sha in dialog


def test_the_dialog_offers_to_mark_what_is_taken_away_and_keeps_the_choice(
    responder: Client, target: Deployment
) -> None:
    where = address(target.service, target)
    dialog = responder.get(where)
    assert f"Mark {target.service.live.short_sha} bad once this serves" in text(dialog)  # type: ignore[union-attr]
    responder.post(where, fill(responder, where, marks_bad="on"))
    assert Operation.objects.get().marks_bad is True


def test_whoever_takes_the_tick_away_marks_nothing(responder: Client, target: Deployment) -> None:
    where = address(target.service, target)
    responder.post(where, fill(responder, where))
    assert Operation.objects.get().marks_bad is False


@pytest.mark.parametrize(
    ("verdict", "reason", "said"),
    [
        ("bad", "", "Say in words why"),
        ("bad", "aaaa", "Say in words why"),
        ("so so", "500s at checkout", "is neither good nor bad"),
        ("", "500s at checkout", "Choose good, bad or no mark"),
    ],
)
def test_what_cannot_be_saved_is_named_and_changes_nothing(
    responder: Client, target: Deployment, verdict: str, reason: str, said: str
) -> None:
    assert said in mark(responder, target, verdict, reason)
    assert not CommitMark.objects.exists()


def test_a_mark_is_taken_away_without_a_reason(responder: Client, target: Deployment) -> None:
    mark(responder, target, "bad")
    assert "has no mark any more" in mark(responder, target, "remove", "")
    assert address(target.service, target) in responder.get("/").content.decode()


def test_a_viewer_cannot_mark_and_is_told_why(viewer: Client, target: Deployment) -> None:
    assert "Marking needs the role responder" in text(viewer.get(page_of(target)))
    assert viewer.post(f"{page_of(target)}mark/", {"verdict": "bad", "reason": "500s"}).status_code == 403
    assert not CommitMark.objects.exists()


def test_what_names_no_commit_cannot_be_marked(responder: Client, target: Deployment) -> None:
    Deployment.objects.filter(pk=target.pk).update(commit_sha="")
    assert "it cannot be marked" in text(responder.get(page_of(target)))
    assert "there is nothing to mark" in mark(responder, target, "bad")


def test_a_page_that_polls_learns_of_a_mark(responder: Client, target: Deployment) -> None:
    version = responder.get("/").context["board"].version
    mark(responder, target, "good")
    assert responder.get("/").context["board"].version != version
