"""The manual commands: run in a shell against the sandbox exactly as the page shows them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import Client

from deployments.clients import provider, using_transport
from deployments.models import ProviderStatus, Service
from deployments.operations.previous import previous
from deployments.pages import manual_fallback
from deployments.pages.manual_commands import ProviderAccount, commands_for
from deployments.sync import poll
from tests import factories
from tests.conformance.stage import CLI, Stage, opened, wait_for

RENDER, VERCEL = (
    ProviderAccount("https://api.render.com/v1"),
    ProviderAccount("https://api.vercel.com", "team_abc"),
)
KEYS = {"RENDER_API_KEY": "rnd_sandbox", "VERCEL_TOKEN": "vcp_sandbox"}


@pytest.fixture
def http_sandbox(db: None, settings: Any) -> Iterator[Stage]:
    """A sandbox over HTTP, read by the portal once; then nobody is at work any more."""
    with opened() as running:
        settings.PROVIDERS = {
            "render": {"url": f"{running.origin}/v1", "key": "rnd_sandbox", "sandbox": True},
            "vercel": {
                "url": running.origin, "key": "vcp_sandbox", "team": "team_sandbox", "sandbox": True,
            },
        }  # fmt: skip
        with httpx.HTTPTransport() as wire, using_transport(wire):
            for name in ("render", "vercel"):
                poll.read_services(name, provider(name))
                poll.read_provider(name, provider(name))
        yield running


def typed(page: str, slug: str) -> list[str]:
    """The commands of one service's card, as somebody would copy them from the page."""
    pk = Service.objects.get(slug=slug).pk
    card = page[page.index(f'id="by-hand-{pk}"') :]
    card = card[: card.index("</details>")]
    return [unescape(found) for found in re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", card, re.DOTALL)]


def page() -> str:
    client = Client()
    client.force_login(factories.person("responder", "Ana Ruiz"))
    return client.get("/").content.decode()


def shell(command: str, home: Path) -> str:
    path = f"{CLI.parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"VERCEL_TELEMETRY_DISABLED": "1", "NO_UPDATE_NOTIFIER": "1", "CI": "1"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        env={"PATH": path, "HOME": os.fspath(home), **KEYS, **quiet},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def state(http_sandbox: Stage, name: str) -> dict[str, Any]:
    services = http_sandbox.http.get("/_sandbox/state").json()["services"]
    return next(row for row in services if row["name"] == name)


def test_the_commands_for_render_put_the_earlier_deployment_in_front_of_users(
    http_sandbox: Stage, tmp_path: Path
) -> None:
    api = Service.objects.get(slug="shop-api")
    target = previous(Service.objects.select_related("live").get(pk=api.pk))
    assert target is not None
    look, off, order, watch, leave = typed(page(), "shop-api")

    assert api.live is not None
    assert api.live.provider_id in shell(look, tmp_path)
    shell(off, tmp_path)
    assert state(http_sandbox, "shop-api")["auto_deploy"] == "off"
    shell(order, tmp_path)
    wait_for(
        lambda: '"live"' in shell(watch, tmp_path) and _serves(http_sandbox, "shop-api", target.commit_sha)
    )
    assert [(kind, applied) for kind, applied, _ in http_sandbox.received()] == [("rollback", True)]

    shell(leave, tmp_path)
    assert state(http_sandbox, "shop-api")["auto_deploy"] == api.auto_deploy


def _serves(http_sandbox: Stage, name: str, commit: str) -> bool:
    return (
        bool(http_sandbox.http.get("/_sandbox/state").json())
        and state(http_sandbox, name)["commit"] == commit
    )


def test_the_commands_for_vercel_move_the_domains_with_curl_alone(
    http_sandbox: Stage, tmp_path: Path
) -> None:
    web = Service.objects.select_related("live").get(slug="shop-web")
    target = previous(web)
    assert target is not None
    look, _, order, watch, leave = typed(page(), "shop-web")

    assert web.live is not None
    assert web.live.provider_id in shell(look, tmp_path)
    shell(order, tmp_path)
    wait_for(lambda: '"succeeded"' in shell(watch, tmp_path))
    assert http_sandbox.web()["serving"] == target.provider_id
    assert http_sandbox.web()["auto_deploy"] == "off"
    shell(leave, tmp_path)
    assert http_sandbox.web()["auto_deploy"] == "on"
    assert http_sandbox.web()["serving"] == target.provider_id


@pytest.mark.skipif(
    not CLI.exists(), reason="NOT PROVEN HERE: Vercel's command line is not installed (make conformance)"
)
def test_the_command_for_vercels_own_command_line_does_the_same(http_sandbox: Stage, tmp_path: Path) -> None:
    web = Service.objects.select_related("live").get(slug="shop-web")
    target = previous(web)
    assert target is not None
    _, command, *_ = typed(page(), "shop-web")
    assert command.startswith(f"vercel rollback {target.provider_id} --yes ")
    shell(command, tmp_path)
    wait_for(lambda: http_sandbox.web()["serving"] == target.provider_id)
    assert [(kind, applied) for kind, applied, _ in http_sandbox.received()] == [("rollback", True)]


# --- What is in them, and what never is ---------------------------------------------------------------------


def test_no_page_with_a_card_contains_a_secret(live_api: Service, settings: Any) -> None:
    secrets = ("rnd_very_secret", "vcp_very_secret", "sign_very_secret", "token_very_secret")
    settings.PROVIDERS = {
        "render": {"url": "https://api.render.com/v1", "key": secrets[0], "sandbox": False},
        "vercel": {"url": "https://api.vercel.com", "key": secrets[1], "team": "team_1", "sandbox": False},
    }
    settings.SECRET_KEY, settings.METRICS_TOKEN = secrets[2], secrets[3]
    target = factories.deployment(live_api)
    web = factories.service("web")
    factories.live(web)
    made = factories.deployment(web)
    change = factories.change(live_api, target, status="failed")
    client = Client()
    client.force_login(factories.person("responder", "Ana Ruiz"))
    where = [
        "/",
        f"/services/{live_api.slug}/deployments/{target.provider_id}/roll-back/",
        f"/services/{web.slug}/deployments/{made.provider_id}/roll-back/",
        change.operation.get_absolute_url(),
    ]
    for address in where:
        drawn = client.get(address).content.decode()
        assert '<pre class="command">' in drawn, address
        assert "$RENDER_API_KEY" in drawn or "$VERCEL_TOKEN" in drawn
        assert not [secret for secret in secrets if secret in drawn], address
    assert not [secret for secret in secrets if secret in manual_fallback.last_known()]


def test_the_usual_address_of_vercel_is_not_spelled_out_and_another_one_is(db: None) -> None:
    web = factories.service("web")
    target = factories.deployment(web)
    usual = commands_for(web, target, VERCEL, before="on").steps[1].command
    token = '--token "$VERCEL_TOKEN"'
    assert usual == f"vercel rollback {target.provider_id} --yes {token} --scope team_abc"
    own = commands_for(web, target, ProviderAccount("http://127.0.0.1:9701"), before="on").steps[1].command
    assert own == f"vercel rollback {target.provider_id} --yes {token} --api http://127.0.0.1:9701"


@pytest.mark.parametrize("bad", ["dep-1; rm -rf /", "$(id)", "-h", "dep-1\n", "dep-1' 'x", ""])
def test_an_id_in_no_known_form_becomes_no_command(live_api: Service, bad: str) -> None:
    target = factories.deployment(live_api)
    target.provider_id = bad
    card = commands_for(live_api, target, RENDER, before="commit")
    assert not card.steps
    assert card.unavailable_reason == "the id of the deployment has no form that we know"


def test_an_address_and_a_team_from_the_settings_are_quoted(db: None) -> None:
    web = factories.service("web")
    card = commands_for(
        web, factories.deployment(web), ProviderAccount("https://x/$(id)", "team;id"), before="on"
    )
    commands = "\n".join(step.command for step in (*card.steps, *card.leave))
    assert "--scope 'team;id'" in commands
    assert "'https://x/$(id)" in commands
    assert " https://x/$(id)" not in commands


@pytest.mark.parametrize(
    ("before", "order"),
    [
        ("checksPass", '{"autoDeployTrigger": "checksPass"}'),
        ("on", '{"autoDeploy": "yes"}'),
        ("", '{"autoDeployTrigger": "commit"}'),
        ("off", ""),
    ],
)
def test_leaving_restores_the_earlier_setting(live_api: Service, before: str, order: str) -> None:
    leave = commands_for(live_api, factories.deployment(live_api), RENDER, before=before).leave
    assert [order in step.command for step in leave] == ([True] if order else [])


@pytest.mark.django_db
def test_a_service_without_an_earlier_deployment_says_so() -> None:
    factories.provider_status("render")
    factories.live(factories.service("api"))
    assert "no earlier deployment is known" in page()


@pytest.mark.parametrize("status", ["failed", "needs_attention"])
def test_an_operation_that_was_not_done_shows_how_to_do_it(live_api: Service, status: str) -> None:
    factories.heartbeats()
    ProviderStatus.objects.all().delete()
    change = factories.change(live_api, factories.deployment(live_api), status=status)
    client = Client()
    client.force_login(factories.person("viewer", "Vera Novak"))
    assert '<pre class="command">' in client.get(change.operation.get_absolute_url()).content.decode()


def test_an_operation_that_was_done_shows_no_commands(live_api: Service) -> None:
    factories.heartbeats()
    change = factories.change(live_api, factories.deployment(live_api), status="succeeded")
    client = Client()
    client.force_login(factories.person("viewer", "Vera Novak"))
    assert "by-hand" not in client.get(change.operation.get_absolute_url()).content.decode()
