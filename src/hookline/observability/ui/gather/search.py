"""Where a text occurs: jobs, datasets, columns; and runs by the beginning of their ids."""

from __future__ import annotations

import json
import re

from sqlalchemy import Connection, func, select

from hookline.core.events import Dataset
from hookline.core.store.browse import datasets, runs
from hookline.core.store.reading import columns_of
from hookline.core.store.schema import schemas
from hookline.observability.ui.documents import Found, FoundColumn
from hookline.observability.ui.gather.datasets import MOST_DATASETS
from hookline.observability.ui.gather.run import named
from hookline.observability.ui.gather.runs import rows

_MOST, _LEAST_ID = 20, 4
_MOST_SCHEMAS = 200


def search(connection: Connection, query: str) -> Found:
    """What is named so, capitals or not; nothing for nothing."""
    text = query.strip()
    if not text:
        return Found(query="", runs=[], jobs=[], datasets=[], columns=[])
    low = text.lower()
    is_id = len(low) >= _LEAST_ID and re.fullmatch(r"[0-9a-f][0-9a-f-]*", low)
    by_id = runs.run_ids_beginning(connection, low, _MOST) if is_id else []
    fitting = [
        one.dataset for one in datasets.all_datasets(connection, MOST_DATASETS) if low in str(one.dataset).lower()
    ]
    return Found(
        query=text,
        runs=rows(connection, by_id),
        jobs=runs.jobs_named(connection, text, _MOST),
        datasets=[named(one) for one in fitting[:_MOST]],
        columns=_columns(connection, low),
    )


def _columns(connection: Connection, text: str) -> list[FoundColumn]:
    """Of datasets whose present schema has such a column."""
    last = select(schemas.c.dataset_id, func.max(schemas.c.version).label("version")).group_by(schemas.c.dataset_id)
    latest = last.subquery()
    same = (schemas.c.dataset_id == latest.c.dataset_id) & (schemas.c.version == latest.c.version)
    query = select(schemas.c.namespace, schemas.c.name, schemas.c.columns).join(latest, same)
    fitting = query.where(func.lower(schemas.c.columns).contains(_as_json(text), autoescape=True)).limit(_MOST_SCHEMAS)
    found = []
    for namespace, name, columns in connection.execute(fitting):
        own = named(Dataset(namespace, name))
        for column in columns_of(columns):
            if text in column.name.lower():
                found.append(FoundColumn(dataset=own, column=column.name, type=column.type))
    return sorted(found, key=lambda one: (one.column.lower() != text, one.column, one.dataset.name))[:_MOST]


def _as_json(text: str) -> str:
    """As a name is written in JSON, where signs beyond ASCII are numbers."""
    return json.dumps(text)[1:-1].lower()
