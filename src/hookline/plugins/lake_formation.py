"""``lake_formation``: LF-tags follow what was written, and a gate refuses writes that no access policy allows."""

from __future__ import annotations

from typing import ClassVar

from hookline.core.events import Denial, Run, Write, content_id, user_of_process
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig, PluginContext
from hookline.governance.access.lake_formation.account import Account
from hookline.governance.access.lake_formation.following import FollowingSink, message_of
from hookline.governance.access.lake_formation.gate import objection
from hookline.governance.access.lake_formation.options import LakeFormationOptions
from hookline.governance.access.lake_formation.service import LakeFormation
from hookline.governance.access.loading import find_access
from hookline.governance.audit import Entry, open_log


class LakeFormationConfig(LakeFormationOptions):
    """Options of ``lake_formation``."""


class LakeFormationPlugin:
    """Access policies on the bus."""

    Config: ClassVar[type[PluginConfig]] = LakeFormationConfig
    requires: ClassVar[tuple[str, ...]] = ("botocore",)

    def __init__(self, config: LakeFormationConfig, context: PluginContext) -> None:
        self._config = config
        self._context = context
        self._access = find_access(config.policies, context.base_dir)
        self._account = Account(config)
        self._log = open_log(context.audit, context.base_dir, context.state_dir)
        # What columns hold is known from the store.
        self._follows = config.follow and context.store is not None
        if self._follows:
            context.outbox.register(context.name, FollowingSink(self._service))

    @hookimpl
    def authorize_write(self, event: Write, run: Run) -> Denial | None:
        """With ``gate``: only what a policy lets the job's principal write. No answer is no."""
        if not self._config.gate:
            return None
        who = self._config.principal or self._account.caller
        why = objection(self._access, self._config, who, event.dataset, event.operation)
        if why is None:
            return None
        told = {"dataset": str(event.dataset), "operation": event.operation, "principal": who, "reason": why}
        self._log.append(Entry("access.write_refused", told, run.user))
        return Denial(why)

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """Its table's LF-tags are looked at, once the store has what its columns hold."""
        if self._follows and event.published:
            id = content_id("follow", event.write_id)
            told = message_of(event)
            self._context.outbox.put(self._context.name, told, kind="follow", id=id, order_key=run.run_id)

    def _service(self) -> LakeFormation:
        assert self._context.store is not None  # noqa: S101 - for the type checker
        store = self._context.store.get()
        return LakeFormation(self._account, self._access, self._config, store, self._log, user_of_process() or "")
