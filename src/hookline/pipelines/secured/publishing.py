"""Protected copies: what a principal sees of a table, written down for those who can't be asked to use a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hookline.core.errors import AccessDeniedError
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
    """
    from pyspark.sql import DataFrame

    name = secured.hookline_tables.named(table_parts(secured, table))
    is_path = "/" in target
    if not is_path and name is not None and secured.hookline_tables.named(table_parts(secured, target)) == name:
        raise AccessDeniedError(f"the copy would take the place of {name} itself; give it another name")
    view = secured.table(table)
    secured.hookline_guard.published(str(name), target)
    writer = DataFrame(view._jdf, spark).write.mode("overwrite").format(format)
    if is_path:
        writer.save(target)
    else:
        writer.saveAsTable(quoted(table_parts(spark, target)))
    return len(view.columns)
