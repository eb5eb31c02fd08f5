"""Steps as calls of AWS. Each may be made again when it is not known whether it was done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from hookline.governance.access.lake_formation.account import Account, AccountError
from hookline.governance.access.lake_formation.diff import Step
from hookline.governance.access.lake_formation.items import (
    Admin,
    Assigned,
    Filter,
    Grant,
    Link,
    Registered,
    TagValue,
)
from hookline.governance.access.lake_formation.resources import Columns

MOST_ENTRIES = 20
_MOST_VALUES = 50
# AWS's words for something that is there already, or gone already.
_THERE = ("AlreadyExistsException",)
_GONE = ("EntityNotFoundException",)
Failed = dict[Step, str]


def batches(steps: Sequence[Step]) -> Iterator[tuple[Step, ...]]:
    """The steps of a phase, in parts that are one call each, or a few."""
    kinds = groupby(sorted(steps, key=_kind), key=_kind)
    for (kind, _), some in kinds:
        own = [*some]
        if kind == "Grant":
            yield from _entries_at_once(own)
        elif kind == "TagValue":
            for _, values in groupby(own, key=lambda step: getattr(step.item, "tag", "")):
                yield tuple(values)
        elif kind == "Assigned":
            yield tuple(own)
        else:
            yield from ((step,) for step in own)


def do(account: Account, steps: Sequence[Step]) -> Failed:
    """Do a batch; return what failed, and why."""
    first = steps[0].item
    try:
        if isinstance(first, Grant):
            return _grants(account, steps)
        if isinstance(first, Assigned):
            return _assigned(account, steps)
        if isinstance(first, TagValue):
            _tag(account, first.tag, steps)
            return {}
        _one(account, steps[0])
    except AccountError as error:
        return {step: str(error) for step in steps}
    return {}


def _kind(step: Step) -> tuple[str, bool]:
    return type(step.item).__name__, step.action == "delete"


def _one(account: Account, step: Step) -> None:
    item = step.item
    if isinstance(item, Filter):
        _filter(account, item, step)
    elif isinstance(item, Registered):
        _registered(account, item, step)
    elif isinstance(item, Link):
        _link(account, item, step)
    elif isinstance(item, Admin):
        _admin(account, item, step)


def _by_entry(steps: Iterable[Step]) -> dict[tuple[Any, ...], list[Step]]:
    entries: dict[tuple[Any, ...], list[Step]] = {}
    for step in steps:
        assert isinstance(step.item, Grant)  # noqa: S101 - for the type checker
        entries.setdefault((step.item.principal, step.item.resource), []).append(step)
    return entries


def _entries_at_once(steps: Sequence[Step]) -> Iterator[tuple[Step, ...]]:
    entries = [*_by_entry(steps).values()]
    for start in range(0, len(entries), MOST_ENTRIES):
        yield tuple(step for entry in entries[start : start + MOST_ENTRIES] for step in entry)


def _grants(account: Account, steps: Sequence[Step]) -> Failed:
    revoke = steps[0].action == "delete"
    entries = _by_entry(steps)
    requests: list[dict[str, Any]] = []
    by_id: dict[str, list[Step]] = {}
    for number, ((principal, resource), own) in enumerate(entries.items(), 1):
        items = [step.item for step in own if isinstance(step.item, Grant)]
        handed_on = sorted({item.permission for item in items if item.option})
        plain = {item.permission for item in items if not item.option}
        if not revoke:
            plain |= {*handed_on}  # nobody can hand on what is not theirs
        by_id[str(number)] = own
        request: dict[str, Any] = {
            "Id": str(number),
            "Principal": {"DataLakePrincipalIdentifier": principal},
            "Resource": resource.api(account.catalog),
        }
        if plain:
            request["Permissions"] = sorted(plain)
        if handed_on:
            request["PermissionsWithGrantOption"] = handed_on
        requests.append(request)
    failed = account.batch("batch_revoke_permissions" if revoke else "batch_grant_permissions", requests)
    return {
        step: why
        for id, why in failed.items()
        if not (revoke and why.startswith(("EntityNotFoundException", "InvalidInputException (No permissions revoked")))
        for step in by_id[id]
    }


def _tag(account: Account, tag: str, steps: Sequence[Step]) -> None:
    goes = steps[0].action == "delete"
    values = {step.item.value for step in steps if isinstance(step.item, TagValue)}
    there = _values(account, tag)
    try:
        _change_tag(account, tag, values, there, goes)
    except AccountError:
        # It may have been done, and the answer been lost: then doing it again fails.
        there = _values(account, tag)
        if (values & there) if goes else (values - there):
            raise


def _change_tag(account: Account, tag: str, values: set[str], there: set[str], goes: bool) -> None:
    own = {"CatalogId": account.catalog, "TagKey": tag}
    if goes and there <= values:
        if there:
            account.call("lakeformation", "delete_lf_tag", **own)
        return
    todo = sorted(values & there if goes else values - there)
    for start in range(0, len(todo), _MOST_VALUES):
        some = todo[start : start + _MOST_VALUES]
        if goes:
            account.call("lakeformation", "update_lf_tag", **own, TagValuesToDelete=some)
        elif there or start:
            account.call("lakeformation", "update_lf_tag", **own, TagValuesToAdd=some)
        else:
            account.call("lakeformation", "create_lf_tag", **own, TagValues=some)


def _values(account: Account, tag: str) -> set[str]:
    try:
        told = account.call("lakeformation", "get_lf_tag", CatalogId=account.catalog, TagKey=tag)
    except AccountError as error:
        if error.code in _GONE:
            return set()
        raise
    return {*(told.get("TagValues") or ())}


def _assigned(account: Account, steps: Sequence[Step]) -> Failed:
    """A tag on one place, or on columns of one table."""
    items = [step.item for step in steps if isinstance(step.item, Assigned)]
    first = items[0]
    on = first.on
    if isinstance(on, Columns):
        on = Columns(on.database, on.table, tuple(item.column for item in items if item.column is not None))
    goes = steps[0].action == "delete"
    tag = {"CatalogId": account.catalog, "TagKey": first.tag, "TagValues": [first.value]}
    operation = "remove_lf_tags_from_resource" if goes else "add_lf_tags_to_resource"
    told = account.call(
        "lakeformation", operation, CatalogId=account.catalog, Resource=on.api(account.catalog), LFTags=[tag]
    )
    for failure in told.get("Failures") or ():
        error = failure.get("Error") or {}
        why = f"{operation}: {error.get('ErrorCode')} ({error.get('ErrorMessage')})"
        return {} if goes and error.get("ErrorCode") in _GONE else dict.fromkeys(steps, why)
    return {}


def _filter(account: Account, item: Filter, step: Step) -> None:
    place = {"TableCatalogId": account.catalog, "DatabaseName": item.database, "TableName": item.table}
    if step.action == "delete":
        _unless_gone(account, "lakeformation", "delete_data_cells_filter", **place, Name=item.name)
        return
    rows: Mapping[str, Any] = {"AllRowsWildcard": {}} if item.rows is None else {"FilterExpression": item.rows}
    names = [*item.columns]
    columns = {"ColumnWildcard": {"ExcludedColumnNames": names}} if item.excluded else {"ColumnNames": names}
    data = {**place, "Name": item.name, "RowFilter": rows, **columns}
    if step.action == "create":
        try:
            account.call("lakeformation", "create_data_cells_filter", TableData=data)
            return
        except AccountError as error:
            if error.code not in _THERE:
                raise
    account.call("lakeformation", "update_data_cells_filter", TableData=data)


def _registered(account: Account, item: Registered, step: Step) -> None:
    if step.action == "delete":
        _unless_gone(account, "lakeformation", "deregister_resource", ResourceArn=item.arn)
        return
    if step.action == "create":
        role: Mapping[str, Any] = {"RoleArn": item.role} if item.role else {"UseServiceLinkedRole": True}
        try:
            account.call("lakeformation", "register_resource", ResourceArn=item.arn, **role)
            return
        except AccountError as error:
            if error.code not in _THERE:
                raise
    own = (
        f"arn:aws:iam::{account.catalog}:role/aws-service-role/lakeformation.amazonaws.com/"
        "AWSServiceRoleForLakeFormationDataAccess"
    )
    account.call("lakeformation", "update_resource", ResourceArn=item.arn, RoleArn=item.role or own)


def _link(account: Account, item: Link, step: Step) -> None:
    if step.action != "create":
        _remove_link(account, item)
    if step.action == "delete":
        return
    target = {"CatalogId": item.account, "DatabaseName": item.target_database}
    try:
        if item.table is None:
            made = {"Name": item.database, "TargetDatabase": target}
            account.call("glue", "create_database", CatalogId=account.catalog, DatabaseInput=made)
        else:
            made = {"Name": item.table, "TargetTable": {**target, "Name": item.target_table}}
            own = {"CatalogId": account.catalog, "DatabaseName": item.database}
            account.call("glue", "create_table", **own, TableInput=made)
    except AccountError as error:
        if error.code not in _THERE or not _is_link(account, item):
            raise


def _remove_link(account: Account, item: Link) -> None:
    """Only what is a link: a table of that name, with data, is not ours to delete."""
    if not _is_link(account, item):
        return
    own = {"CatalogId": account.catalog}
    if item.table is None:
        _unless_gone(account, "glue", "delete_database", **own, Name=item.database)
    else:
        _unless_gone(account, "glue", "delete_table", **own, DatabaseName=item.database, Name=item.table)


def _is_link(account: Account, item: Link) -> bool:
    own = {"CatalogId": account.catalog}
    try:
        if item.table is None:
            told = account.call("glue", "get_database", **own, Name=item.database)
            return bool(told["Database"].get("TargetDatabase"))
        told = account.call("glue", "get_table", **own, DatabaseName=item.database, Name=item.table)
        return bool(told["Table"].get("TargetTable"))
    except AccountError as error:
        if error.code in _GONE:
            return False
        raise


def _admin(account: Account, item: Admin, step: Step) -> None:
    own = {"CatalogId": account.catalog}
    settings = dict(account.call("lakeformation", "get_data_lake_settings", **own)["DataLakeSettings"])
    admins = [one["DataLakePrincipalIdentifier"] for one in settings.get("DataLakeAdmins") or ()]
    wanted = [one for one in admins if one != item.principal]
    if step.action != "delete":
        wanted.append(item.principal)
    if not wanted:
        raise AccountError("put_data_lake_settings", "refused", "no data lake administrator would be left")
    if wanted != admins:
        settings["DataLakeAdmins"] = [{"DataLakePrincipalIdentifier": one} for one in wanted]
        account.call("lakeformation", "put_data_lake_settings", **own, DataLakeSettings=settings)


def _unless_gone(account: Account, service: str, operation: str, **arguments: Any) -> None:
    try:
        account.call(service, operation, **arguments)
    except AccountError as error:
        if error.code not in _GONE:
            raise
