"""What a job asks to have written, before anything is decided about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hookline.core.events import Operation, Read, Statement
from hookline.core.tracing import Trace
from hookline.pipelines.targets import WriteTarget

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from hookline.core.sealing import Seal
    from hookline.lineage.columns import Assigned
    from hookline.pipelines.staging.choice import Redirect


@dataclass(frozen=True)
class Request:
    """A write that a job asks for.

    Attributes:
        execute: performs the write; handed another frame than ``frame`` when the data was changed, else None.
        frame: the data, when it passes as a DataFrame.
        plan: an analyzed plan to find the inputs in, when there is no frame.
        schema: what the target's rows look like, when that differs from the frame (an INSERT by position).
        measurable: False when there is nothing to look at afterwards.
        opaque: why the inputs can't be told, when that is known beforehand.
        inputs: what is read, with why that may be incomplete, when that is known beforehand.
        redirect: tells how the write goes to another folder, with further options for its writer; None when it can't.
        stored: makes of the frame's rows those that the target will have, where ``schema`` differs from the frame's; may
            raise where Spark refuses the write.
        statement: the SQL that asks for it.
        command: analyzes the statement that is asked for, over changed data where there is some; tells then what each of the
            target's columns is made from, where that is not the frame's column of this name.
        assigned: tells which columns the clauses of an UPDATE or a MERGE name.
        late: what is asked for can't be shown before it ran.
        trace: where the columns come from, when somebody finds that out already.
        seal: how its files are encrypted, when they are.
        options: what the writer is told for that, for this one write.
    """

    spark: SparkSession
    target: WriteTarget
    operation: Operation
    execute: Callable[[DataFrame | None], Any]
    frame: DataFrame | None = None
    plan: Any = None
    schema: Callable[[], StructType] | None = None
    partition_by: tuple[str, ...] = ()
    measurable: bool = True
    opaque: str | None = None
    inputs: tuple[tuple[Read, ...], str | None] | None = None
    redirect: Callable[[Mapping[str, str]], Redirect | None] | None = None
    stored: Callable[[DataFrame], DataFrame] | None = None
    statement: Statement | None = None
    command: Callable[[DataFrame | None], Any] | None = None
    assigned: Callable[[], Assigned] = tuple
    late: bool = False
    trace: Trace | None = None
    seal: Seal | None = None
    options: Mapping[str, str] = field(default_factory=dict)
