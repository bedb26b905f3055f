"""Writes audit entries for changes made outside the portal: who, what, and when, by the provider's time."""

from __future__ import annotations

from datetime import datetime

from deployments.models import ActKind, Change, Deployment, OutsideAct, Pin
from deployments.models.auto_deploy import AUTO_DEPLOY_TEXT
from deployments.providers.auto_deploy import may_be_same
from deployments.sync.outside.memory import Memory, NewAct
from deployments.sync.outside.pins import SOMEBODY, own_change_that_left
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import PORTAL, Actor, record

ACTIONS: dict[str, str] = {
    ActKind.WENT_LIVE: "deployment went live",
    ActKind.ROLLED_BACK: "rollback outside the portal",
    ActKind.PROMOTED: "promotion outside the portal",
    ActKind.DOMAINS: "domains moved outside the portal",
    ActKind.AUTO_DEPLOY: "automatic deploys changed outside the portal",
    ActKind.ENVIRONMENT: "environment variables changed outside the portal",
    ActKind.SERVICE: "service changed outside the portal",
}
# The providers' words for what starts a deployment without a person.
STARTED_BY = {
    "new_commit": "a push",
    "git": "a push",
    "deploy_hook": "a deploy hook",
    "git-deploy-hook": "a deploy hook",
    "blueprint_sync": "a Blueprint sync",
    "deployed_by_render": "Render",
}


class Teller:
    """The entries of one reading. `pinned` and `released` are the pins that began and ended with it."""

    def __init__(self, memory: Memory, pinned: Pin | None, released: Pin | None) -> None:
        self.memory = memory
        self.service = memory.service
        self.pinned = pinned
        self.released = released
        self.standing = self.service.standing_pin
        self.live_id = memory.reading.current.live_id

    def tell(self) -> None:
        told = {new.act.pk for new in self.memory.new}
        if self.pinned is not None:
            act = OutsideAct.objects.filter(pin=self.pinned).first()
            if act is not None and act.pk not in told:
                self._pin_found(act, self.pinned)
        for new in sorted(self.memory.new, key=lambda one: one.act.happened_at or self.memory.reading.at):
            if self.released and self._is_the_release(new.act):
                continue
            self._tell(new)
        if self.released is not None:
            self._left(self.released)

    def _is_the_release(self, act: OutsideAct) -> bool:
        return act.kind == ActKind.AUTO_DEPLOY and may_be_same(act.target, self.service.auto_deploy)

    # --- Acts ---

    def _tell(self, new: NewAct) -> None:
        act, row = new.act, self._row(new.act)
        actor = act.actor or (self._started_by(row) if act.kind == ActKind.WENT_LIVE else "") or SOMEBODY
        words = self._late(new) if new.late else getattr(self, f"_{act.kind}")(new)
        self._record(
            actor,
            ACTIONS[act.kind],
            " ".join(part for part in (words, self._beside(act)) if part),
            act.happened_at,
            before={"auto_deploy": act.before} if act.kind == ActKind.AUTO_DEPLOY else {},
            after=self._after(new),
        )

    def _went_live(self, new: NewAct) -> str:
        row = self._row(new.act)
        started_by = new.act.actor or self._started_by(row)
        trigger = row.trigger if row else ""
        why = [f"started by {started_by}"] if started_by else []
        why += [new.detail] if new.detail else [f"trigger “{trigger}”"] if trigger and not started_by else []
        return (
            f"{self._target(new.act)} went live on {self.service.short}{', ' if why else ''}{', '.join(why)}."
        )

    def _rolled_back(self, new: NewAct) -> str:
        target = self._target(new.act)
        words = f"{self._who(new.act)} rolled {self.service.short} back to {target} outside the portal."
        setting = self.service.auto_deploy
        if new.act.target == self.live_id and setting not in {"", "off"}:
            words += f" Automatic deploys are still “{_setting(setting)}”: the next push undoes it."
        return f"{words} {new.detail}".strip()

    def _promoted(self, new: NewAct) -> str:
        target = self._target(new.act)
        words = f"{self._who(new.act)} promoted {target} on {self.service.short} outside the portal."
        return f"{words} {new.detail}".strip()

    def _domains(self, new: NewAct) -> str:
        if new.act.identity.startswith("event "):
            who, short = self._who(new.act), self.service.short
            return f"{who} changed the domains of {short} outside the portal. {new.detail}".strip()
        moved = f"{new.detail} of {self.service.short} moved to {self._target(new.act)}"
        return f"{moved}, by {new.act.actor or 'somebody'} outside the portal."

    def _auto_deploy(self, new: NewAct) -> str:
        act = new.act
        was, is_now = _setting(act.before), _setting(act.target)
        change = f"automatic deploys of {self.service.short} from “{was}” to “{is_now}”"
        if act.reason == "rollback":
            return f"A rollback in the provider's dashboard changed {change}."
        return f"{self._who(act)} changed {change} outside the portal."

    def _environment(self, new: NewAct) -> str:
        words = (
            f"{self._who(new.act)} changed environment variables of {self.service.short} outside the portal"
        )
        return f"{words}: {new.detail}".rstrip(".") + "." if new.detail else f"{words}."

    def _service(self, new: NewAct) -> str:
        return f"{self._who(new.act)} changed {self.service.short} outside the portal. {new.detail}".strip()

    def _late(self, new: NewAct) -> str:
        at = new.late.order_intent_at if new.late else None
        sent = f" of {at:%H:%M:%S} UTC" if at else ""
        return (
            f"{self._target(new.act)} was put in front of users. The portal's order{sent}, which ended as "
            "failed without an answer, may have arrived late, or somebody repeated it outside the portal."
        )

    def _beside(self, act: OutsideAct) -> str:
        """What went live beside a rollback that stands."""
        pin, kinds = self.standing, (ActKind.WENT_LIVE, ActKind.ROLLED_BACK, ActKind.PROMOTED)
        if pin is None or pin == self.pinned or act.kind not in kinds or self._is_before(act, pin):
            return ""
        return f"The pin of {pin.pinned_by} still stands."

    def _is_before(self, act: OutsideAct, pin: Pin) -> bool:
        return pin.rolled_back_from is not None and pin.rolled_back_from.provider_id == act.target

    def _after(self, new: NewAct) -> dict[str, str]:
        act = new.act
        if act.kind == ActKind.AUTO_DEPLOY:
            return {"auto_deploy": act.target}
        if act.kind == ActKind.DOMAINS:
            return {"domains": new.detail, "deployment": self._target(act)}
        if act.kind in (ActKind.ENVIRONMENT, ActKind.SERVICE):
            return {}
        setting = {"auto_deploy": self.service.auto_deploy} if act.target == self.live_id else {}
        return {"live": self._target(act), **setting}

    # --- Pins ---

    def _pin_found(self, act: OutsideAct, pin: Pin) -> None:
        live, short = self.service.live or "an unknown deployment", self.service.short
        words = (
            f"{pin.pinned_by} rolled {short} back to {live}{' outside the portal' if pin.outside else ''}."
        )
        self._record(
            pin.pinned_by,
            "rollback outside the portal" if pin.outside else "rollback found",
            f"{words} {self.service.get_provider_display()} keeps it pinned.",
            act.happened_at,
            after={"live": str(live), "auto_deploy": self.service.auto_deploy},
        )

    def _left(self, pin: Pin) -> None:
        who, setting = pin.released_by, self.service.auto_deploy
        own = own_change_that_left(self.memory, pin)
        if own is not None:
            self._left_by_the_portal(pin, own)
            return
        words = (
            f"{who[:1].upper()}{who[1:]} left the rollback of {self.service.short} outside the portal: "
            f"automatic deploys are “{_setting(setting)}” again."
        )
        self._record(
            who, "rollback left outside the portal", words, pin.released_at,
            before={"auto_deploy": "off"},
            after={"live": str(self.service.live or ""), "auto_deploy": setting},
        )  # fmt: skip

    def _left_by_the_portal(self, pin: Pin, change: Change) -> None:
        """An operation that ended otherwise than by leaving has switched automatic deploys on."""
        operation, setting = change.operation, self.service.auto_deploy
        record(
            PORTAL,
            "rollback left",
            Outcome.DONE,
            self.service.label,
            f"The rollback of {self.service.short} is left: automatic deploys are “{_setting(setting)}” "
            f"again, set by “{operation.plan['title']}” of {operation.requested_by_name}.",
            operation=operation.pk,
            incident=pin.incident,
            before={"auto_deploy": "off"},
            after={"live": str(self.service.live or ""), "auto_deploy": setting},
        )

    # --- Words ---

    def _who(self, act: OutsideAct) -> str:
        return act.actor or "Somebody"

    def _row(self, act: OutsideAct) -> Deployment | None:
        row = self.memory.rows.get(act.target)
        return row or self.service.deployments.filter(provider_id=act.target).first()

    def _target(self, act: OutsideAct) -> str:
        row = self._row(act)
        return str((row.restores or row) if row else act.target or "an unknown deployment")

    def _started_by(self, row: Deployment | None) -> str:
        return STARTED_BY.get(row.trigger, "") if row else ""

    def _record(
        self,
        actor: str,
        action: str,
        message: str,
        at: datetime | None,
        *,
        before: dict[str, str] | None = None,
        after: dict[str, str],
    ) -> None:
        pin = self.standing or self.released
        record(
            Actor(actor, "outside the portal"),
            action,
            Outcome.DONE,
            self.service.label,
            message,
            incident=pin.incident if pin else "",
            before=before,
            after=after,
            happened_at=at,
        )


def _setting(setting: str) -> str:
    return AUTO_DEPLOY_TEXT.get(setting, setting)
