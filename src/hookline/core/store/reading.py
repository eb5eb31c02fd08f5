"""Runs from the store, as the events that they were told with; schemas; how plugins fared."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, Table, func, select

from hookline.core.errors import UnknownRunError
from hookline.core.events import (
    Column,
    ColumnLineage,
    Dataset,
    ErrorInfo,
    PluginReport,
    Read,
    Run,
    RunEnded,
    Verdict,
    Write,
    content_id,
    utc_now,
)
from hookline.core.store import traced
from hookline.core.store.records import (
    JudgedWrite,
    PastVerdict,
    PluginRecord,
    QuarantineRecord,
    RunRecord,
    SchemaVersion,
    StoredRun,
)
from hookline.core.store.schema import edges, reads, verdicts, writes
from hookline.core.store.schema import runs as run_table
from hookline.core.store.schema import schemas as schema_table


class Part(NamedTuple):
    """So many of a run's writes, the latest ones but for those that are skipped."""

    most: int
    skipped: int = 0


_NAMED_RUNS = 5
_RECENT_RUNS = 200
_OBSERVED: Mapping[str | None, Callable[[str], str | int | float]] = {"int": int, "float": float}


def runs(connection: Connection, limit: int) -> tuple[RunRecord, ...]:
    """See ``Store.runs``."""
    columns = [run_table.c[name] for name in RunRecord.__dataclass_fields__]
    rows = connection.execute(select(*columns).order_by(run_table.c.started_at.desc()).limit(limit)).all()
    return tuple(RunRecord(*row) for row in rows)


def run(connection: Connection, run_id: str, part: Part | None = None) -> StoredRun:
    """See ``Store.run``.

    Args:
        part: of a run with many writes, which of them; without what is known of where their columns came from.
    """
    row = _the_run(connection, run_id.strip().lower())
    now = utc_now()
    started_at = _time(row["started_at"]) or _time(row["finished_at"]) or now
    written = _writes_of(connection, row["run_id"], part)
    goes_on = row["status"] == "running"
    return StoredRun(
        Run(
            row["run_id"],
            row["job"],
            started_at,
            row["environment"],
            row["parent_run_id"],
            row["parent_job"],
            user=row["run_by"],
        ),
        RunEnded(
            status=row["status"],
            finished_at=_time(row["finished_at"]) or now,
            duration_s=(now - started_at).total_seconds() if goes_on else row["duration_s"] or 0.0,
            overhead_s=sum(write.overhead_s for write in written) if goes_on else row["overhead_s"] or 0.0,
            reads=_reads_of(connection, row["run_id"]),
            writes=written,
            plugins=_reports(row["plugins"]),
            writes_total=max(row["writes_total"] or 0, len(written)),
            unseen_writes=max(row["unseen_writes"] or 0, sum(not write.intercepted for write in written)),
            traced_writes=sum(_is_traced(write) for write in written),
            exit_code=row["exit_code"],
            error=_error(row["error"]),
            notes=tuple(_list(row["notes"])),
        ),
    )


def schemas(connection: Connection, namespace: str, name: str) -> tuple[SchemaVersion, ...]:
    """See ``Store.schemas``."""
    table = schema_table
    query = select(table).where(table.c.dataset_id == content_id(namespace, name)).order_by(table.c.version)
    return tuple(
        SchemaVersion(
            row["version"],
            columns_of(row["columns"]),
            row["run_id"],
            row["first_seen_at"],
            row["last_seen_at"],
            row["write_id"],
        )
        for row in connection.execute(query).mappings()
    )


def schema_names(connection: Connection) -> tuple[tuple[str, str], ...]:
    """See ``Store.schema_names``."""
    query = select(schema_table.c.namespace, schema_table.c.name).distinct()
    return tuple(sorted((namespace, name) for namespace, name in connection.execute(query)))


def plugin_records(connection: Connection) -> dict[str, PluginRecord]:
    """See ``Store.plugin_records``."""
    table = run_table
    query = select(table).where(table.c.plugins.is_not(None)).order_by(table.c.started_at.desc()).limit(_RECENT_RUNS)
    found: dict[str, PluginRecord] = {}
    for row in connection.execute(query).mappings():
        for report in _reports(row["plugins"]):
            found.setdefault(report.name, PluginRecord(row["run_id"], row["job"], row["started_at"], report))
    return found


def rows_before(connection: Connection, dataset_id: str, run_id: str) -> int | None:
    """See ``Store.rows_before``."""
    of_others = (writes.c.dataset_id == dataset_id) & (writes.c.run_id != run_id)
    known = writes.c.published.is_(True) & writes.c.rows.is_not(None)
    query = select(writes.c.rows).where(of_others & known).order_by(writes.c.finished_at.desc()).limit(1)
    return connection.execute(query).scalar()


def judged_writes(
    connection: Connection, namespace: str, name: str, before: str, limit: int
) -> tuple[JudgedWrite, ...]:
    """See ``Store.judged_writes``."""
    own = (writes.c.dataset_id == content_id(namespace, name), writes.c.started_at < before)
    judged = writes.c.write_id.in_(select(verdicts.c.write_id))
    chosen = select(writes).where(*own, judged).order_by(writes.c.started_at.desc()).limit(limit)
    rows = connection.execute(chosen).mappings().all()
    said: defaultdict[str, dict[str, PastVerdict]] = defaultdict(dict)
    table = select(verdicts).where(verdicts.c.write_id.in_([row["write_id"] for row in rows]))
    for one in connection.execute(table).mappings():
        said[one["write_id"]][one["check_name"]] = PastVerdict(one["status"], one["observed"], one["failing_rows"])
    return tuple(
        JudgedWrite(
            row["write_id"],
            row["run_id"],
            row["started_at"],
            bool(row["published"]),
            row["rows"],
            row["rows_quarantined"],
            said[row["write_id"]],
        )
        for row in reversed(rows)
    )


def quarantines(connection: Connection, limit: int) -> tuple[QuarantineRecord, ...]:
    """See ``Store.quarantines``."""
    chosen = select(writes).where(writes.c.quarantine.is_not(None), writes.c.published, writes.c.rows_quarantined > 0)
    rows = connection.execute(chosen.order_by(writes.c.started_at.desc()).limit(limit)).mappings()
    found = []
    for row in rows:
        place = _dataset(row["quarantine"])
        if place is not None:
            names = (place.namespace, place.name), (row["namespace"], row["name"])
            found.append(
                QuarantineRecord(*names, row["run_id"], row["write_id"], row["started_at"], row["rows_quarantined"])
            )
    return tuple(found)


def _the_run(connection: Connection, run_id: str) -> RowMapping:
    exact = connection.execute(select(run_table).where(run_table.c.run_id == run_id)).mappings().first()
    if exact is not None:
        return exact
    beginning = run_table.c.run_id.startswith(run_id, autoescape=True)
    rows = connection.execute(select(run_table).where(beginning).limit(_NAMED_RUNS + 1)).mappings().all()
    if len(rows) == 1:
        return rows[0]
    if not rows:
        raise UnknownRunError(f"there is no run whose id is {run_id!r} or begins so: `hookline runs` lists the latest")
    ids = ", ".join(row["run_id"] for row in rows[:_NAMED_RUNS]) + (" and more" if len(rows) > _NAMED_RUNS else "")
    raise UnknownRunError(f"the ids of several runs begin with {run_id!r}: give more of the one that is meant: {ids}")


def _reads_of(connection: Connection, run_id: str) -> tuple[Read, ...]:
    query = select(reads.c.namespace, reads.c.name).where(reads.c.run_id == run_id)
    return tuple(Read(Dataset(*name)) for name in sorted(tuple(row) for row in connection.execute(query)))


def _writes_of(connection: Connection, run_id: str, part: Part | None) -> tuple[Write, ...]:
    """In the order in which the writes began."""
    query = select(writes).where(writes.c.run_id == run_id)
    if part is not None:
        latest_first = query.order_by(func.length(writes.c.write_id).desc(), writes.c.write_id.desc())
        query = latest_first.limit(part.most).offset(part.skipped)
    rows = connection.execute(query).mappings().all()
    ids = [row["write_id"] for row in rows] if part is not None else None
    own = _of_writes(connection, verdicts, run_id, ids)
    inputs = _of_writes(connection, edges, run_id, ids)
    lineages = traced.of_run(connection, run_id) if part is None else {}
    return tuple(
        _write(row, inputs[row["write_id"]], own[row["write_id"]], lineages.get(row["write_id"]))
        for row in sorted(rows, key=lambda row: (len(row["write_id"]), row["write_id"]))
    )


def _of_writes(connection: Connection, table: Table, run_id: str, ids: list[str] | None) -> dict[str, list[RowMapping]]:
    """A table's rows by the run's write that they belong to."""
    of_run = table.c.write_id.in_(select(writes.c.write_id).where(writes.c.run_id == run_id) if ids is None else ids)
    found: defaultdict[str, list[RowMapping]] = defaultdict(list)
    for row in connection.execute(select(table).where(of_run).order_by(*table.primary_key)).mappings():
        found[row["write_id"]].append(row)
    return found


def _write(row: RowMapping, inputs: list[RowMapping], judged: list[RowMapping], lineage: ColumnLineage | None) -> Write:
    return Write(
        write_id=row["write_id"],
        dataset=Dataset(row["namespace"], row["name"], row["format"]),
        operation=row["operation"],
        started_at=_time(row["started_at"]) or utc_now(),
        columns=columns_of(row["columns"]),
        inputs=tuple(Read(Dataset(edge["source_namespace"], edge["source_name"])) for edge in inputs),
        intercepted=row["intercepted"] is not False,
        opaque=row["opaque"],
        batch_id=row["batch_id"],
        finished_at=_time(row["finished_at"]),
        duration_s=row["duration_s"],
        overhead_s=row["overhead_s"] or 0.0,
        rows=row["rows"],
        bytes=row["bytes"],
        files=row["files"],
        way=row["way"] or "none",
        verdicts=tuple(_verdict(verdict) for verdict in judged),
        published=bool(row["published"]),
        rows_quarantined=row["rows_quarantined"],
        quarantine=_dataset(row["quarantine"]),
        data_version=row["data_version"],
        column_lineage=lineage,
        error=_error(row["error"]),
    )


def _is_traced(write: Write) -> bool:
    return write.column_lineage is not None and write.column_lineage.degraded is None


def _verdict(row: RowMapping) -> Verdict:
    observed = row["observed"]
    return Verdict(
        check=row["check_name"],
        severity=row["severity"],
        status=row["status"],
        observed=None if observed is None else _OBSERVED.get(row["observed_type"], str)(observed),
        failing_rows=row["failing_rows"],
        expected=row["expected"] or "",
        columns=tuple(_list(row["columns"])),
        way=row["way"] or "none",
        required=bool(row["required"]),
        message=row["message"] or "",
        suite=row["suite"] or "",
        plugin=row["plugin"] or "",
    )


def _reports(text: str | None) -> tuple[PluginReport, ...]:
    return tuple(PluginReport(**report) for report in _list(text))


def columns_of(text: str | None) -> tuple[Column, ...]:
    """Columns as the tables keep them."""
    return tuple(map(_column, _list(text)))


def _column(told: Mapping[str, Any]) -> Column:
    return Column(told["name"], told["type"], told["nullable"], tuple(map(_column, told.get("fields", ()))))


def _dataset(text: str | None) -> Dataset | None:
    facts = json.loads(text) if text else None
    return Dataset(facts["namespace"], facts["name"], facts["format"]) if facts else None


def _error(text: str | None) -> ErrorInfo | None:
    return ErrorInfo(**json.loads(text)) if text else None


def _list(text: str | None) -> list[Any]:
    return list(json.loads(text)) if text else []


def _time(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
