"""``protect``: what policies say of personal data is done to every write on its way; what can't be protected is not written."""

from __future__ import annotations

import logging
from dataclasses import asdict
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from hookline.core.errors import AuditError, ConfigError, HooklineError, MissingExtraError, ProtectionError
from hookline.core.events import Denial, Run, RunEnded, Write, utc_now
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig
from hookline.core.sealing import Sealed
from hookline.governance.audit import Copies, Entry, open_log
from hookline.governance.consent import Ledger
from hookline.governance.keys import open_keyring
from hookline.governance.pii.recognizers import check_installed
from hookline.governance.protection import FORMATS, AtRestKeeper, Policy, Protector, StoredKeys, find_policies
from hookline.governance.protection.classifying import Held, expanded
from hookline.governance.protection.policy import Encrypt
from hookline.pipelines.classified import held_by

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from hookline.core.plugin import PluginContext

logger = logging.getLogger(__name__)
# Statements that bring no values into a dataset.
_HARMLESS = frozenset({"delete"})


class ProtectConfig(PluginConfig):
    """Options of ``protect``."""

    policies: tuple[str, ...] = Field(
        ("policies/*.yaml",),
        min_length=1,
        description="Files with policies; * and ** are patterns, from the configuration's folder.",
    )
    ways: tuple[Literal["native", "python"], ...] = Field(
        ("native", "python"),
        description="How tokens may be made: in the JVM where it can have the key, else in Python workers.",
    )


class ProtectPlugin:
    """Policies on the bus.

    Raises:
        ConfigError: on construction, when a policy is not valid, or the keys' keeper is not set up.
        MissingExtraError: copies in S3 are wanted, and what S3 is spoken to by is not installed.
    """

    Config: ClassVar[type[PluginConfig]] = ProtectConfig
    requires: ClassVar[tuple[str, ...]] = ("cryptography",)

    def __init__(self, config: ProtectConfig, context: PluginContext) -> None:
        self._policies = find_policies(config.policies, context.base_dir)
        keyring = open_keyring(context.keys, context.base_dir)
        self._log = open_log(context.audit, context.base_dir, context.state_dir)
        if context.audit.s3 is not None and find_spec("botocore") is None:
            raise MissingExtraError("protect", "botocore", 'pip install "hookline[aws]"')
        if any(policy.detects for policy in self._policies):
            check_installed()
        name = f"{context.name} audit"
        if context.store is None:
            for policy in self._policies:
                if policy.consent is not None:
                    raise ConfigError("a policy asks for consent, and there is no store with a ledger of it")
                if policy.by_classification and policy.classify == ("lineage",):
                    raise ConfigError("a policy goes by what lineage says of columns, and there is no store with it")
                if any(isinstance(rule, Encrypt) and rule.subject for rule in policy.rules):
                    raise ConfigError(
                        "a policy gives each subject a key of its own, and there is no store that keeps them"
                    )
        self._store = context.store
        self._copies = None if context.audit.s3 is None else Copies(self._log, context.audit, context.outbox, name)
        folder = context.state_dir.absolute() / "protect"
        subject_keys = None if context.store is None else StoredKeys(context.store.get, keyring)
        self._protector = Protector(keyring, context.keys, context.base_dir, folder, config.ways, subject_keys)
        self._at_rest = AtRestKeeper(keyring, context.keys, context.base_dir, folder)

    @hookimpl
    def authorize_write(self, event: Write, run: Run) -> Denial | None:
        """A write whose rows can't be changed on their way is refused where a policy wants them changed."""
        policies = self._matching(event)
        if not policies or event.operation in _HARMLESS:
            return None
        names = ", ".join(repr(policy.name) for policy in policies)
        if event.transformable:
            return self._encryptable(policies, event, run)
        reason = f"policy {names} protects columns of it, and the rows of this {event.operation} can't be changed on their way"
        self._tell_refused(event, run, reason)
        return Denial(f"{reason}: write them by a query, an INSERT or a DataFrame")

    @hookimpl
    def transform_write(self, event: Write, run: Run, frame: DataFrame) -> DataFrame | Sealed | None:
        """The rows, protected; it stands in the audit log before the first of them is written."""
        policies = self._matching(event)
        if not policies:
            return None
        try:
            meant, reasons = self._expanded(policies, event, frame)
            protected = self._protector.protect(frame, meant, self._permitted)
            kept = self._at_rest.kept(policies)
            seal = self._at_rest.seal(protected.frame, kept) if kept else None
            what = {
                **_about(event, run),
                "policies": {policy.name: policy.digest() for policy in policies},
                "columns": [deed.document() for deed in protected.deeds],
                "way": "native" if protected.native else "python",
            }
            if kept:
                what["at_rest"] = [one.document() for one in kept]
            if reasons:
                what["classified"] = [one._asdict() for one in reasons]
            if protected.allowed:
                what["subjects_allowed"] = dict(protected.allowed)
            if protected.erased:
                what["subjects_erased"] = [asdict(left) for left in protected.erased]
            self._log.append(Entry("protect.write", what, run.user))
        except AuditError:
            raise
        except HooklineError as error:
            self._tell_refused(event, run, str(error))
            raise
        return protected.frame if seal is None else Sealed(protected.frame, seal)

    def meet_session(self, spark: SparkSession) -> None:
        """A session can read what was encrypted at rest."""
        if any(policy.at_rest is not None for policy in self._policies):
            self._at_rest.meet(spark)

    def close(self) -> None:
        """It can no more."""
        self._at_rest.leave()

    @hookimpl
    def on_run_finished(self, event: RunEnded, run: Run) -> None:
        """What is new in the audit log is copied, where a copy is wanted."""
        if self._copies is not None:
            self._copies.hand_over()

    @hookimpl
    def on_run_failed(self, event: RunEnded, run: Run) -> None:
        """So it is after a run that failed or was refused."""
        if self._copies is not None:
            self._copies.hand_over()

    def _encryptable(self, policies: tuple[Policy, ...], event: Write, run: Run) -> Denial | None:
        """A write whose files can't be encrypted is refused where a policy wants them encrypted."""
        names = [repr(policy.name) for policy in policies if policy.at_rest is not None]
        kind = event.dataset.format
        if not names or kind in FORMATS:
            return None
        reason = (
            f"policy {', '.join(names)} wants columns of its files encrypted, which {kind or 'other'} files can't be"
        )
        self._tell_refused(event, run, reason)
        return Denial(f"{reason}: write Parquet, or protect the columns by rules")

    def _expanded(
        self, policies: tuple[Policy, ...], event: Write, frame: DataFrame
    ) -> tuple[tuple[Policy, ...], list[Held]]:
        """With columns in place of classifications; and what they hold that are protected for it."""
        found: list[Policy] = []
        reasons: list[Held] = []
        sources = held_by(frame, event, self._store)
        for policy in policies:
            if policy.by_classification:
                policy, why = expanded(policy, sources.of(policy))
                reasons += why
            found.append(policy)
        return tuple(found), reasons

    def _permitted(self, purpose: str) -> set[str]:
        if self._store is None:
            raise ProtectionError("there is no store with a ledger of consent")
        return Ledger(self._store.get()).permitted(purpose, utc_now().isoformat(timespec="microseconds"))

    def _matching(self, event: Write) -> tuple[Policy, ...]:
        return tuple(policy for policy in self._policies if policy.touches_writes and policy.matches(event.dataset))

    def _tell_refused(self, event: Write, run: Run, reason: str) -> None:
        """It is refused whether or not that can be recorded."""
        try:
            self._log.append(Entry("protect.refused", {**_about(event, run), "reason": reason}, run.user))
        except HooklineError as error:
            logger.warning("%s", error)


def _about(event: Write, run: Run) -> dict[str, object]:
    return {
        "run": run.run_id,
        "job": run.job,
        "write": event.write_id,
        "dataset": str(event.dataset),
        "operation": event.operation,
    }
