"""What AWS says that was spent, by Cost Explorer: for accounts that have it, beside what hookline reckons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, NamedTuple

from hookline.core.errors import MissingExtraError, SinkError

_MOST_PAGES = 50


class Billed(NamedTuple):
    """An amount on a day. ``tag`` is the value of the cost-allocation tag; empty of what has none."""

    day: dt.date
    tag: str
    amount: float
    currency: str
    estimated: bool


def billed(tag: str, since: dt.date, until: dt.date, *, client: Any = None, extra: str = "cloudwatch") -> list[Billed]:
    """What was billed by day and by a cost-allocation tag, unblended.

    Args:
        tag: a key that is activated for cost allocation, such as ``team``.
        until: the day after the last.
        client: of botocore for ``ce``; made from the environment's credentials by default.
        extra: what brings botocore.

    Raises:
        MissingExtraError: botocore is not installed.
        SinkError: AWS refuses or does not answer; its text is left out, as it names the account.
    """
    if client is None:
        try:
            from botocore.session import Session
        except ImportError:
            raise MissingExtraError(extra, "botocore") from None
        client = Session().create_client("ce")
    try:
        return list(_pages(client, tag, since, until))
    except SinkError:
        raise
    except Exception as error:  # noqa: BLE001 - botocore is not imported to name its errors
        code = getattr(error, "response", {}).get("Error", {}).get("Code") or type(error).__name__
        raise SinkError(f"Cost Explorer did not answer: {code}") from None


def _pages(client: Any, tag: str, since: dt.date, until: dt.date) -> Iterator[Billed]:
    token: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        page = client.get_cost_and_usage(
            TimePeriod={"Start": since.isoformat(), "End": until.isoformat()},
            Granularity="DAILY",
            Metrics=["UnblendedCost"],
            GroupBy=[{"Type": "TAG", "Key": tag}],
            **token,
        )
        for result in page.get("ResultsByTime", []):
            day = dt.date.fromisoformat(result["TimePeriod"]["Start"][:10])
            for group in result.get("Groups", []):
                cost = group["Metrics"]["UnblendedCost"]
                value = group["Keys"][0].partition("$")[2]
                yield Billed(day, value, float(cost["Amount"]), cost["Unit"], bool(result.get("Estimated")))
        if not page.get("NextPageToken"):
            return
        token = {"NextPageToken": page["NextPageToken"]}
