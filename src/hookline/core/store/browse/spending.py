"""What runs and datasets cost."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from hookline.core.store.schema import costs as table
from hookline.core.store.schema import subjects


class Spent(NamedTuple):
    """An amount in a currency, of ``runs`` runs; ``what`` it was spent on."""

    what: str
    amount: float
    currency: str
    runs: int


def by_day(connection: Connection, since: str, *, dataset_id: str = "") -> list[Spent]:
    """By day (UTC) since a moment, oldest first; of all runs, or of a dataset's share."""
    day = func.substr(table.c.at, 1, 10)
    query = select(day, func.sum(table.c.amount), table.c.currency, func.count())
    own = query.where(table.c.dataset_id == dataset_id, table.c.at >= since)
    return [Spent(*row) for row in connection.execute(own.group_by(day, table.c.currency).order_by(day))]


def by_job(connection: Connection, since: str, limit: int) -> list[Spent]:
    """The jobs that cost most since a moment."""
    amount = func.sum(table.c.amount).label("amount")
    query = select(table.c.subject_id, amount, table.c.currency, func.count().label("runs"))
    own = query.where(table.c.dataset_id == "", table.c.at >= since).group_by(table.c.subject_id, table.c.currency)
    dear = own.order_by(amount.desc()).limit(limit).subquery()
    named = select(subjects.c.job, dear.c.amount, dear.c.currency, dear.c.runs).join(
        subjects, subjects.c.subject_id == dear.c.subject_id
    )
    return sorted((Spent(*row) for row in connection.execute(named)), key=lambda one: -one.amount)


def of_datasets(connection: Connection, dataset_ids: list[str], since: str) -> dict[str, Spent]:
    """What each dataset's writes cost since a moment; one in several currencies by the one that is most of it."""
    query = select(table.c.dataset_id, func.sum(table.c.amount), table.c.currency, func.count())
    own = query.where(table.c.dataset_id.in_(dataset_ids), table.c.at >= since)
    found: dict[str, Spent] = {}
    for row in connection.execute(own.group_by(table.c.dataset_id, table.c.currency)):
        one = Spent(*row)
        if one.what not in found or found[one.what].amount < one.amount:
            found[one.what] = one
    return found


def of_runs(connection: Connection, run_ids: list[str]) -> dict[str, Spent]:
    """What each run cost."""
    columns = (table.c.run_id, table.c.amount, table.c.currency)
    query = select(*columns).where(table.c.run_id.in_(run_ids), table.c.dataset_id == "")
    return {row[0]: Spent(*row, 1) for row in connection.execute(query)}
