"""Local enforcement: a session of Spark whose tables are what policies let one principal see of them.

It is a guardrail for code that plays by the rules of Spark's own functions, not a wall: whoever runs Python in the same process has
the JVM, the files and the credentials as well. See docs/explanation/access.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.core.errors import AccessDeniedError, ConfigError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hookline.core.config import Config
    from hookline.pipelines.secured.session import SecuredSession

__all__ = ["secure"]
_POLICIES = ("policies/*.yaml",)


def secure(
    spark: SparkSession,
    principal: str,
    policies: str | Iterable[str] = _POLICIES,
    *,
    purpose: str | None = None,
    config: Config | Path | str | None = None,
) -> SecuredSession:
    """A session in which a principal sees what access policies let it see, and nothing else.

    Tables that it may see nothing of are not there. What it reads and what is refused stands in the audit log before it has the
    answer; when no answer comes (policies that can't be read, a store or an audit log that is dead) nothing is shown.

    Args:
        spark: a classic session; it stays as it is.
        principal: a short name that the policies declare.
        policies: files, or patterns with * and **, from the configuration's folder.
        purpose: what the principal works for; rules for a purpose hold for this one alone.
        config: a configuration, or the path of one, for the audit log and the store; by default $HOOKLINE_CONFIG,
            ``./hookline.yaml``, or nothing.

    Raises:
        ConfigError: the policies or the configuration can't be used, or the principal is not declared.
        AccessDeniedError: the session is one of Spark Connect's, or a secured one itself.
    """
    from hookline.core.config import load_config
    from hookline.core.config_models import Config
    from hookline.governance.access.loading import find_access
    from hookline.governance.audit import open_log
    from hookline.pipelines.secured.guard import Guard, StoreOfHoldings
    from hookline.pipelines.secured.session import SecuredSession, open_secured

    if not hasattr(spark, "_jsparkSession"):
        raise AccessDeniedError("a session of Spark Connect can't be secured here: secure the server")
    if isinstance(spark, SecuredSession):
        raise AccessDeniedError("this session is secured already, and leads to no other principal's")
    if not isinstance(config, Config):
        config = load_config(None if config is None else Path(config))
    access = find_access([policies] if isinstance(policies, str) else policies, config.base_dir)
    if principal not in access.principals:
        raise ConfigError(
            f"the principal {principal!r} is nowhere declared; known are {', '.join(access.principals) or 'none'}"
        )
    log = open_log(config.audit, config.base_dir, config.state_dir)
    return open_secured(spark, Guard(access, principal, purpose, log, StoreOfHoldings(config.store_url())))
