"""Python that Spark runs on columns: a user's function, and RE2 where Java's own expressions might never end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from hookline.core.errors import MeasureError


@lru_cache(maxsize=256)
def as_udf(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that takes a pandas Series per column, as a UDF that says of each row whether it is accepted.

    Raises:
        MeasureError: pandas is missing.
    """
    from pyspark import cloudpickle

    # Its module is shipped with it: executors need not have it.
    module = sys.modules.get(getattr(function, "__module__", ""))
    if module is not None:
        cloudpickle.register_pickle_by_value(module)  # type: ignore[no-untyped-call]

    def accept(*columns):  # type: ignore[no-untyped-def] # Spark reads the hints, which are set below
        import pandas as pd

        answer = function(*columns)
        series = answer if isinstance(answer, pd.Series) else pd.Series(answer)
        if len(series) != len(columns[0]):
            raise ValueError("the function did not give one answer for each row")
        if not (pd.api.types.is_bool_dtype(series.dtype) or set(series.dropna().map(type)) <= {bool}):
            raise TypeError("the function gave something else than a truth value for each row")
        return series.astype("boolean")

    return _as_pandas_udf(accept)


@lru_cache(maxsize=256)
def by_re2(pattern: str) -> Callable[..., Any]:
    """A UDF that says whether a text matches RE2's pattern from end to end.

    Raises:
        MeasureError: pandas is missing.
    """

    def match(*columns):  # type: ignore[no-untyped-def] # as above
        import pandas as pd
        import pyarrow as pa
        from pyarrow import compute

        texts = pa.array(columns[0], type=pa.string(), from_pandas=True)
        found = compute.match_substring_regex(texts, pattern=f"\\A{pattern}\\z")
        return pd.Series(found.to_pylist(), dtype="boolean")

    return _as_pandas_udf(match)


def _as_pandas_udf(function: Callable[..., Any]) -> Callable[..., Any]:
    try:
        import pandas as pd
    except ImportError:
        raise MeasureError("this check runs in Python, which needs pandas: pip install pandas") from None
    from pyspark.sql.pandas.functions import pandas_udf

    function.__annotations__ = {"columns": pd.Series, "return": pd.Series}
    return cast("Callable[..., Any]", pandas_udf(function, "boolean"))  # type: ignore[call-overload]
