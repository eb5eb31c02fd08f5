"""The retail company's own expectations: a library that suites name by type.

The first three only give defaults to expectations of Great Expectations, so hookline measures them together with all other
checks. The last one defines a query of its own; the rows of that, too, are counted in the one pass over what was written.
"""

from __future__ import annotations

import great_expectations.expectations as gxe


class ExpectColumnValuesToBeKey(gxe.ExpectColumnValuesToMatchRegex):
    """Keys of the systems of record are digits, without a leading zero."""

    regex: str = "^(0|[1-9][0-9]*)$"
    description: str = "Keys are digits, without a leading zero."


class ExpectColumnValuesToBeMoney(gxe.ExpectColumnValuesToBeBetween):
    """Amounts are not negative, and no basket is worth more than a car."""

    min_value: float = 0
    max_value: float = 10_000


class ExpectColumnValuesToBeInTradingTime(gxe.ExpectColumnValuesToBeBetween):
    """Days on which the stores were open."""

    min_value: str = "2016-01-01"
    max_value: str = "2018-12-31"


class ExpectNoSaleWithoutBasket(gxe.UnexpectedRowsExpectation):
    """Every sale belongs to a basket."""

    unexpected_rows_query: str = "SELECT * FROM {batch} WHERE basket_id IS NULL AND sales_value > 0"
    description: str = "Every sale belongs to a basket."
