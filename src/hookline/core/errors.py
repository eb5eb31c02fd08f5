"""One exception tree.

    HooklineError
    ├── ConfigError            exit code 4; names the file, line and key, and the cure
    │   └── MissingExtraError  names the plugin and the pip line
    ├── PluginLoadError        an entry point or dotted path that gives no plugin
    ├── HookError              a hook that raised, hung, or returned the wrong type
    ├── MeasureError           a measure that could not be resolved or computed
    ├── WriteRefusedError      exit code 3; a gate said no, or could not say yes
    ├── PublishError           data that passed could not be put in its place; the target is as it was
    ├── SinkError              a message was not delivered; ``retryable`` says whether to try again
    ├── StoreError             the run history can't be read or written
    ├── UnknownRunError        an id that leads to no run, or to several
    ├── AccessDeniedError      a principal may not see or do that, or nobody could say whether it may
    ├── AuditError             what is done could not be recorded, or the record not be read
    ├── KeyUnavailableError    a key can't be had now, or is not there
    ├── DetectionError         personal data could not be looked for
    ├── ProtectionError        a value can't be protected, or what was protected not be revealed
    │   └── ErasedError        nor ever will be: its subject was erased
    ├── CatalogError           an entry that is not there, a certification that its rules don't allow
    │   └── SchemaError        a schema that its rule does not allow, or that can't be held against it
    └── OutboxError            a message could not be kept

Every message says what happened, where, and what to do. None carries a row value or a secret.
"""

from __future__ import annotations


class HooklineError(Exception):
    """Root of everything that hookline raises on purpose."""


class ConfigError(HooklineError):
    """The configuration can't be used; raised before Spark starts."""


class MissingExtraError(ConfigError):
    """A plugin is named in the configuration, and a package that it needs is not installed."""

    def __init__(self, plugin: str, package: str, cure: str | None = None) -> None:
        self.plugin = plugin
        self.package = package
        cure = cure or f'pip install "hookline[{plugin}]"'
        super().__init__(f"plugin {plugin!r} needs the package {package!r}, which is not installed: {cure}")


class PluginLoadError(ConfigError):
    """A name in the configuration leads to no usable plugin."""


class HookError(HooklineError):
    """A plugin's hook raised, hung past its deadline, or returned the wrong type."""

    def __init__(self, plugin: str, hook: str, what: str) -> None:
        self.plugin = plugin
        self.hook = hook
        self.what = what
        super().__init__(f"plugin {plugin!r}: {hook} {what}")


class MeasureError(HooklineError):
    """A measure could not be resolved against the data, or not be computed in any way."""


class WriteRefusedError(HooklineError):
    """A write was stopped.

    Attributes:
        dataset: the dataset, as ``namespace/name``.
        reasons: one sentence per objection.
        published: True when the data had been visible before the verdict was known.
    """

    def __init__(self, dataset: str, reasons: tuple[str, ...], *, published: bool = False) -> None:
        self.dataset = dataset
        self.reasons = reasons
        self.published = published
        state = "the data is already visible to readers" if published else "nothing was published"
        super().__init__(f"write to {dataset} refused ({state}): " + "; ".join(reasons))


class PublishError(HooklineError):
    """Staged data could not be put in its place. What had been moved was put back."""


class SinkError(HooklineError):
    """A sink did not take a message.

    Args:
        message: what happened, without payload.
        retryable: False when trying again can't help (a malformed message, say).
        retry_after_s: the back end's own wish, in seconds, when it stated one.
    """

    def __init__(self, message: str, *, retryable: bool = True, retry_after_s: float | None = None) -> None:
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        super().__init__(message)


class StoreError(HooklineError):
    """The store can't be opened, read or written."""


class UnknownRunError(HooklineError):
    """An id that leads to no run of the history, or to several."""


class OutboxError(HooklineError):
    """The outbox can't keep a message."""


class AccessDeniedError(HooklineError):
    """A principal may not see or do something, or it could not be told whether it may."""


class AuditError(HooklineError):
    """The audit log can't be written or read. What can't be recorded is not done."""


class KeyUnavailableError(HooklineError):
    """A key is not there, or whoever keeps it does not answer. Nothing is written in clear instead."""


class DetectionError(HooklineError):
    """Personal data could not be looked for."""


class ProtectionError(HooklineError):
    """A value that can't be protected as its policy wants, or that can't be turned back. The value is never quoted."""


class ErasedError(ProtectionError):
    """What is asked for was erased, and nobody can bring it back."""


class CatalogError(HooklineError):
    """A dataset that the catalog does not know, or a step of its certification that the rules don't allow."""


class SchemaError(CatalogError):
    """A schema that breaks the rule of its dataset, or that can't be held against it now."""
