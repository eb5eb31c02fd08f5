"""What earlier writes of a dataset were like: rows, what checks observed, profiles."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection, delete, select

from hookline.core.store.packing import unpack
from hookline.core.store.records import MadeBy, PastWrite, StoredProfile
from hookline.core.store.schema import profiles, runs, verdicts, writes

# Sketches are large: those of so many writes are kept of each dataset.
MOST_PROFILES = 60


def past_writes(connection: Connection, dataset_id: str, run_id: str, limit: int) -> tuple[PastWrite, ...]:
    """See ``Store.past_writes``."""
    of_others = (writes.c.dataset_id == dataset_id) & (writes.c.run_id != run_id) & writes.c.published.is_(True)
    latest = select(writes.c.write_id, writes.c.started_at, writes.c.rows).where(of_others)
    rows = connection.execute(latest.order_by(writes.c.started_at.desc()).limit(limit)).all()
    observed: defaultdict[str, dict[str, float]] = defaultdict(dict)
    said = select(verdicts.c.write_id, verdicts.c.check_name, verdicts.c.observed).where(
        verdicts.c.write_id.in_([row[0] for row in rows]), verdicts.c.observed_type.in_(("int", "float"))
    )
    for write_id, check, number in connection.execute(said):
        observed[write_id][check] = float(number)
    return tuple(PastWrite(row[0], row[1], row[2], observed[row[0]]) for row in reversed(rows))


def made_by(connection: Connection, dataset_id: str, run_id: str, before: str) -> MadeBy | None:
    """See ``Store.made_by``."""
    of_others = (writes.c.dataset_id == dataset_id) & (writes.c.run_id != run_id) & writes.c.published.is_(True)
    query = select(writes.c.write_id, runs.c.job).join(runs, runs.c.run_id == writes.c.run_id)
    row = connection.execute(
        query.where(of_others, writes.c.finished_at <= before).order_by(writes.c.finished_at.desc()).limit(1)
    ).first()
    return None if row is None else MadeBy(row[0], row[1])


def job_of(connection: Connection, run_id: str) -> str:
    """The job of a run; empty where the run is not known (yet)."""
    return str(connection.execute(select(runs.c.job).where(runs.c.run_id == run_id)).scalar() or "")


def last_critical(connection: Connection, dataset_id: str) -> tuple[str, str] | None:
    """The last critical check of a dataset's writes, refused ones too, that failed or had no answer: its name, and when."""
    of_dataset = (writes.c.dataset_id == dataset_id) & writes.c.started_at.is_not(None)
    bad = (verdicts.c.severity == "critical") & verdicts.c.status.in_(("failed", "error"))
    query = select(verdicts.c.check_name, writes.c.started_at).join(writes, writes.c.write_id == verdicts.c.write_id)
    row = connection.execute(query.where(of_dataset, bad).order_by(writes.c.started_at.desc()).limit(1)).first()
    return None if row is None else (row[0], row[1])


def past_profiles(
    connection: Connection, dataset_id: str, run_id: str, limit: int, part: str
) -> tuple[StoredProfile, ...]:
    """See ``Store.past_profiles``."""
    table = profiles
    own = (table.c.dataset_id == dataset_id) & (table.c.run_id != run_id) & (table.c.part == part)
    chosen = select(table).where(own).order_by(table.c.started_at.desc()).limit(limit)
    rows = connection.execute(chosen).mappings().all()
    return tuple(
        StoredProfile(row["write_id"], row["run_id"], row["started_at"], row["rows"], unpack(row["document"]))
        for row in reversed(rows)
    )


def forget(connection: Connection, dataset_id: str) -> None:
    """Leave the profiles of the last ``MOST_PROFILES`` writes of a dataset."""
    table = profiles
    whole = (table.c.dataset_id == dataset_id) & (table.c.part == "")
    last = select(table.c.started_at).where(whole).order_by(table.c.started_at.desc()).offset(MOST_PROFILES).limit(1)
    until = connection.execute(last).scalar()
    if until is not None:
        connection.execute(delete(table).where(table.c.dataset_id == dataset_id, table.c.started_at <= until))
