"""IAM with least privilege: what Lake Formation's role may do in S3, what principals' roles may ask of Lake Formation and Glue.

Reading and writing data goes through Lake Formation, which lends credentials for what it grants: principals need no permission in
S3 at all. Only roles of the account itself get a policy; what others are allowed in their accounts is theirs to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookline.core import hcl
from hookline.core.events import content_id
from hookline.governance.access.lake_formation.actual import TableInfo
from hookline.governance.access.lake_formation.items import Grant, Item, Registered
from hookline.governance.access.lake_formation.resources import Cells, Columns, Database, Table, Tagged
from hookline.governance.access.loading import Access

_READ = (
    "glue:GetDatabase",
    "glue:GetDatabases",
    "glue:GetPartition",
    "glue:GetPartitions",
    "glue:GetTable",
    "glue:GetTables",
)
_BY_PERMISSION = {
    "INSERT": ("glue:BatchCreatePartition", "glue:CreatePartition", "glue:UpdateTable"),
    "DELETE": ("glue:BatchDeletePartition", "glue:DeletePartition", "glue:UpdateTable"),
    "ALTER": ("glue:UpdateTable",),
    "DROP": ("glue:DeleteTable",),
    "CREATE_TABLE": ("glue:CreateTable",),
}
_WRITING = frozenset({"INSERT", "DELETE", "ALTER", "CREATE_TABLE", "DROP"})
Made = tuple[str, str]


class Roles:
    """See the module.

    Args:
        catalog, region: where, as texts or references.
    """

    def __init__(
        self,
        access: Access,
        items: Sequence[Item],
        tables: Mapping[str, Mapping[str, TableInfo]],
        catalog: str,
        region: str,
    ) -> None:
        self._access = access
        self._grants = [item for item in items if isinstance(item, Grant)]
        self._registered = [item for item in items if isinstance(item, Registered)]
        self._tables = tables
        self._catalog = catalog
        self._region = region

    def resources(self) -> Iterator[Made]:
        """Policies' documents, and what they are attached to."""
        by_role: dict[str, list[Registered]] = {}
        for one in self._registered:
            if one.role is not None:
                by_role.setdefault(one.role, []).append(one)
        for role, places in sorted(by_role.items()):
            yield from self._opener(role, places)
        mine = sorted({one.principal for one in self._grants if self._is_own_role(one.principal)})
        for role in mine:
            yield from self._user(role, [one for one in self._grants if one.principal == role])

    def _is_own_role(self, principal: str) -> bool:
        parts = principal.split(":", 5)
        return len(parts) == 6 and parts[5].startswith("role/") and parts[4] == self._catalog

    def _opener(self, role: str, places: Sequence[Registered]) -> Iterator[Made]:
        """The role that Lake Formation opens locations with, which it alone may take."""
        name = _address("opener", role)
        trust = _statement("TakenByLakeFormation", ["sts:AssumeRole"], None)
        trust |= {"principals": hcl.block(type="Service", identifiers=["lakeformation.amazonaws.com"])}
        if not isinstance(self._catalog, hcl.Reference):
            same = hcl.block(test="StringEquals", variable="aws:SourceAccount", values=[self._catalog])
            trust |= {"condition": same}
        yield _document(f"{name}_trust", [trust])
        path, _, own = role.split(":", 5)[5].removeprefix("role").rpartition("/")
        attributes = {
            "name": own,
            "path": f"{path}/" if path else "/",
            "assume_role_policy": hcl.Reference(f"data.aws_iam_policy_document.{name}_trust.json"),
        }
        yield f"aws_iam_role.{name}", hcl.resource("aws_iam_role", name, attributes)
        yield _document(name, [*self._on_s3(places)])
        yield _policy(name, hcl.Reference(f"aws_iam_role.{name}.name"))

    def _on_s3(self, places: Sequence[Registered]) -> Iterator[dict[str, Any]]:
        written = {arn for arn in (one.arn for one in places) if self._is_written(arn)}
        read = sorted(one.arn for one in places)
        yield _statement("ReadObjects", ["s3:GetObject"], [f"{arn}/*" for arn in read])
        if written:
            actions = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"]
            yield _statement("WriteObjects", actions, [f"{arn}/*" for arn in sorted(written)])
        for bucket in sorted({_bucket(arn) for arn in read}):
            prefixes = sorted({arn.removeprefix(bucket).strip("/") for arn in read if _bucket(arn) == bucket})
            listing = _statement(f"List{content_id(bucket)[:8]}", ["s3:ListBucket"], [bucket])
            if all(prefixes):
                names = sorted({*prefixes, *(f"{one}/*" for one in prefixes)})
                listing["condition"] = hcl.block(test="StringLike", variable="s3:prefix", values=names)
            yield listing

    def _is_written(self, arn: str) -> bool:
        """Whether somebody may write what lies there. By tags it may be any table."""
        for grant in self._grants:
            if grant.permission not in _WRITING:
                continue
            resource = grant.resource
            if isinstance(resource, Tagged):
                return True
            if isinstance(resource, (Database, Table)):
                for name, info in self._tables.get(resource.database, {}).items():
                    own = info.location and f"arn:aws:s3:::{info.location.partition('://')[2].rstrip('/')}"
                    if own == arn and getattr(resource, "table", None) in (None, name):
                        return True
        return False

    def _user(self, role: str, grants: Sequence[Grant]) -> Iterator[Made]:
        """What a principal's role needs besides what Lake Formation grants it."""
        name = _address("principal", role)
        statements = [_statement("BorrowFromLakeFormation", ["lakeformation:GetDataAccess"], ["*"])]
        by_actions: dict[tuple[str, ...], set[tuple[str, str | None]]] = {}
        for grant in grants:
            actions = tuple(sorted({*_READ, *_BY_PERMISSION.get(grant.permission, ())}))
            by_actions.setdefault(actions, set()).update(self._reach(grant))
        for number, (actions, reach) in enumerate(sorted(by_actions.items(), key=lambda one: one[0]), 1):
            arns = [self._glue("catalog")]
            arns += [self._glue(f"database/{database}") for database in sorted({one for one, _ in reach})]
            arns += [self._glue(f"table/{one}/{table or '*'}") for one, table in sorted(reach, key=str)]
            statements.append(_statement(f"Catalog{number}", [*actions], arns))
        yield _document(name, statements)
        yield _policy(name, role.rpartition("/")[2])

    def _reach(self, grant: Grant) -> set[tuple[str, str | None]]:
        resource = grant.resource
        if isinstance(resource, (Table, Columns, Cells)):
            return {(resource.database, resource.table)}
        if isinstance(resource, Database):
            return {(resource.database, None)}
        # Tables by tags may be any that is declared; Lake Formation shows those that the tags are on.
        return {(database, None) for database in self._tables}

    def _glue(self, what: str) -> hcl.Joined:
        return hcl.Joined(("arn:aws:glue:", self._region, ":", self._catalog, f":{what}"))


def _bucket(arn: str) -> str:
    return arn.partition("/")[0]


def _address(kind: str, role: str) -> str:
    return f"{hcl.identifier(role.rpartition('/')[2])[:80].strip('_')}_{content_id(kind, role)[:8]}"


def _statement(sid: str, actions: Sequence[str], resources: Sequence[Any] | None) -> dict[str, Any]:
    made: dict[str, Any] = {"sid": sid, "actions": [*actions]}
    return made if resources is None else {**made, "resources": [*resources]}


def _document(name: str, statements: Sequence[dict[str, Any]]) -> Made:
    kind = "aws_iam_policy_document"
    return f"data.{kind}.{name}", hcl.data(kind, name, {}, [("statement", one) for one in statements])


def _policy(name: str, role: str) -> Made:
    attributes = {
        "name": "hookline-lake-formation",
        "role": role,
        "policy": hcl.Reference(f"data.aws_iam_policy_document.{name}.json"),
    }
    return f"aws_iam_role_policy.{name}", hcl.resource("aws_iam_role_policy", name, attributes)
