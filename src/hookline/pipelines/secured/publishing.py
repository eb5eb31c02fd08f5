"""Protected copies: what a principal sees of a table, written down for those who can't be asked to use a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from hookline.core.errors import AccessDeniedError, HooklineError
from hookline.governance.access.names import same
from hookline.pipelines.secured.session import SecuredSession
from hookline.pipelines.tables import quoted, table_parts

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Format = Literal["parquet", "delta"]


def publish(spark: SparkSession, secured: SecuredSession, table: str, target: str, format: Format) -> int:
    """Write a principal's view of a table, in place of what was there.

    Args:
        spark: the session that writes; gates and plugins that are attached to it see the write.
        secured: the principal's.
        target: a path, which has a slash in it, or a table.

    Returns:
        How many columns the copy has.

    Raises:
        AccessDeniedError: the principal may see nothing of the table, or the copy would take its place.
        HooklineError: the copy can't be written.
    """
    from pyspark.sql import DataFrame

    name = secured.hookline_tables.named(table_parts(secured, table))
    is_path = "/" in target
    there = None if is_path else secured.hookline_tables.named(table_parts(secured, target))
    if name is not None and there is not None and same(name, there):
        raise AccessDeniedError(f"the copy would take the place of {name} itself; give it another name")
    view = secured.table(table)
    secured.hookline_guard.published(str(name), target)
    writer = DataFrame(view._jdf, spark).write.mode("overwrite").format(format)
    try:
        if is_path:
            writer.save(target)
        else:
            writer.saveAsTable(quoted(table_parts(spark, target)))
    except (PySparkException, Py4JJavaError) as error:
        # Spark's text may quote rows.
        condition = error.getCondition() if isinstance(error, PySparkException) else None
        raise HooklineError(f"{target} can't be written ({condition or type(error).__name__})") from None
    return len(view.columns)
