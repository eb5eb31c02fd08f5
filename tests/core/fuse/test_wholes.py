"""Values become whole numbers without losing a digit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hookline.core.fuse.wholes import _digits


@pytest.mark.parametrize(
    ("precision", "scale"),
    [(18, 18), (18, 9), (18, 8), (18, 2), (18, 0), (17, 0), (15, 2), (9, 9), (9, 8), (8, 8), (4, 4), (1, 0)],
)
def test_a_decimal_keeps_all_its_digits(precision: int, scale: int) -> None:
    import duckdb

    most = 10**precision - 1
    whole = [0, 1, -1, 5, -5, 9, most, -most, most // 3, -(most // 7), most - 1, 10 ** (precision - 1)]
    values = [Decimal(number).scaleb(-scale) for number in whole]
    texts = [f"{value:f}" for value in values]
    query = (
        f"SELECT list({_digits('v', precision, scale)}) FROM (SELECT unnest($v::DECIMAL({precision},{scale})[]) AS v)"
    )
    assert duckdb.execute(query, {"v": texts}).fetchone() == (whole,)
