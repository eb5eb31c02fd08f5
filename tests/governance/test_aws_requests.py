"""What looks at requests finds what AWS would refuse."""

from __future__ import annotations

from typing import Any

import pytest
from tests.governance.aws_requests import problems

GRANT: dict[str, Any] = {
    "Entries": [
        {
            "Id": "1",
            "Principal": {"DataLakePrincipalIdentifier": "arn:aws:iam::123456789012:role/a"},
            "Resource": {"Table": {"DatabaseName": "d", "Name": "t"}},
            "Permissions": ["SELECT"],
        }
    ]
}


def changed(**changes: Any) -> dict[str, Any]:
    return {"Entries": [{**GRANT["Entries"][0], **changes}]}


@pytest.mark.parametrize(
    ("operation", "arguments", "told"),
    [
        ("BatchGrantPermissions", changed(Permissions=["READ"]), "'READ' is none of ALL, SELECT"),
        ("BatchGrantPermissions", changed(PermissionsWithGrantOptions=[]), "has no PermissionsWithGrantOptions"),
        ("BatchGrantPermissions", changed(Id=1), "int where string is wanted"),
        ("BatchGrantPermissions", changed(Resource={"Table": {"Name": "t"}}), "lacks DatabaseName"),
        ("BatchGrantPermissions", changed(Id=""), "0 is less than 1"),
        ("CreateLFTag", {"TagKey": "k", "TagValues": [str(n) for n in range(51)]}, "51 is more than 50"),
        ("CreateLFTag", {"TagKey": "k'", "TagValues": ["v"]}, "does not match"),
        ("ListPermissions", {"MaxResults": True}, "bool where integer is wanted"),
        ("GrantEverything", {}, "no operation"),
    ],
)
def test_a_request_that_aws_would_refuse_is_found(operation: str, arguments: dict[str, Any], told: str):
    (problem,) = problems("lakeformation", operation, arguments)
    assert told in problem


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [("BatchGrantPermissions", GRANT), ("CreateLFTag", {"TagKey": "größe", "TagValues": ["naïve value", "*"]})],
)
def test_a_good_one_is_let_through(operation: str, arguments: dict[str, Any]):
    assert problems("lakeformation", operation, arguments) == []
