"""A large estate: databases, tables, principals and rules of every kind, as a policy's file and as tables in Glue."""

from __future__ import annotations

from typing import Any

from tests.governance.access.lake_formation.server import ACCOUNT, LakeServer

COLUMNS = {"id": "bigint", "email": "string", "country": "string", "amount": "decimal(10,2)", "note": "string"}


def policy(databases: int = 10, tables: int = 20, principals: int = 50, rules: int = 500) -> dict[str, Any]:
    """A policy's document."""
    names = [(f"db{number}", f"t{table}") for number in range(databases) for table in range(tables)]
    people = [f"p{number}" for number in range(principals)]
    return {
        "kind": "access",
        "name": "estate",
        "principals": {name: {"id": f"arn:aws:iam::{ACCOUNT}:role/{name}"} for name in people},
        "tags": {
            "domain": {
                "values": ["sales", "people", "finance"],
                "carried": [
                    {"databases": [f"db{number}"], "value": ("sales", "people", "finance")[number % 3]}
                    for number in range(databases)
                ],
            },
            "sensitivity": {
                "values": ["public", "personal"],
                "carried": [
                    {"databases": ["db*"], "value": "public"},
                    {"tables": ["db*.t*"], "columns": ["email"], "value": "personal"},
                ],
            },
        },
        "tables": [
            {
                "name": f"{database}.{table}",
                "location": f"s3://lake/{database}/{table}/",
                "columns": COLUMNS,
            }
            for database, table in names
        ],
        "rules": [_rule(number, people, names) for number in range(rules)],
    }


def _rule(number: int, people: list[str], names: list[tuple[str, str]]) -> dict[str, Any]:
    database, table = names[(number + 3 * (number // len(names))) % len(names)]
    own = {"name": f"r{number}", "principals": [people[number % len(people)]]}
    kinds: list[dict[str, Any]] = [
        {"allow": ["select"], "tables": [f"{database}.{table}"]},
        {"allow": ["select"], "tables": [f"{database}.{table}"], "columns": {"exclude": ["email"]}},
        {"allow": ["select"], "tables": [f"{database}.{table}"], "columns": {"include": ["id", "country"]}},
        {"allow": ["select"], "tables": [f"{database}.{table}"], "filter": f"country = 'C{number}'"},
        {"allow": ["insert", "delete"], "tables": [f"{database}.{table}"]},
        {"allow": ["select"], "tagged": {"domain": ["sales"], "sensitivity": ["public"]}},
        {"allow": ["describe", "create_table"], "databases": [database]},
        {"allow": ["select"], "tables": [f"{database}.{table}"], "masks": {"email": {"mask": "hash"}}},
        {"allow": ["describe"], "tagged": {"domain": ["people", "finance"]}, "grantable": True},
        {
            "allow": ["select"],
            "tables": [f"{database}.{table}"],
            "filter": "amount > 10",
            "columns": {"exclude": ["note"]},
        },
    ]
    return {**own, **kinds[number % len(kinds)]}


def build(server: LakeServer, document: dict[str, Any]) -> None:
    """The same tables in Glue."""
    for table in document["tables"]:
        database, name = table["name"].split(".")
        if database not in server.glue.databases:
            server.glue.create_database(database, {"Name": database}, None)
        columns = [{"Name": column, "Type": kind} for column, kind in table["columns"].items()]
        storage = {"Columns": columns, "Location": table["location"]}
        server.glue.create_table(database, name, {"Name": name, "StorageDescriptor": storage})
