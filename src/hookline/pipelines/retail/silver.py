"""Silver: typed, one row for one fact, true to its dimensions. What can't be is in ``silver/quarantine``, with reasons.

A transaction is refused with a reason per objection, ``<rule>:<column>``:

    missing        a required field is empty
    not_a_number   a number was expected
    not_a_time     no time stamp, or a day that no calendar has
    out_of_range   a quantity or price that can't be, or a sale after its own delivery
    unknown        the product or the household is in no dimension
    duplicate      the basket has this product already

Every row of bronze ends up in one of the two tables, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hookline.pipelines.retail.lake import Lake

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# The dimensions and the small facts: their key, and the columns that are more than text. These come from systems of
# record. A malformed value in them is not one bad row but a broken delivery, and the cast stops the job.
CONFORMED: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    "products": (("product_id",), {"product_id": "bigint", "manufacturer_id": "bigint"}),
    "identities": (("household_id",), {"household_id": "bigint", "birth_date": "date"}),
    "demographics": (("household_id",), {"household_id": "bigint"}),
    "campaign_descriptions": (("campaign_id",), {"campaign_id": "int", "start_date": "date", "end_date": "date"}),
    "campaigns": (("campaign_id", "household_id"), {"campaign_id": "int", "household_id": "bigint"}),
    "coupons": (
        ("coupon_upc", "product_id", "campaign_id"),
        {"coupon_upc": "bigint", "product_id": "bigint", "campaign_id": "int"},
    ),
    "coupon_redemptions": (
        ("household_id", "coupon_upc", "campaign_id", "redemption_date"),
        {"household_id": "bigint", "coupon_upc": "bigint", "campaign_id": "int", "redemption_date": "date"},
    ),
    "promotions": (("product_id", "store_id", "week"), {"product_id": "bigint", "store_id": "int", "week": "int"}),
}

NUMBERS: Mapping[str, str] = {
    "household_id": "bigint",
    "store_id": "int",
    "basket_id": "bigint",
    "product_id": "bigint",
    "quantity": "bigint",
    "sales_value": "decimal(10,2)",
    "retail_disc": "decimal(10,2)",
    "coupon_disc": "decimal(10,2)",
    "coupon_match_disc": "decimal(10,2)",
    "week": "int",
}
OPTIONAL = ("retail_disc", "coupon_disc", "coupon_match_disc")
# Fuel is sold in thousandths of a gallon, hence the height.
RANGES = {"quantity": (0, 100_000), "sales_value": (0, 10_000)}
TIME = "transaction_timestamp"
TIME_FORMAT = "yyyy-MM-dd HH:mm:ss"
SALE = ("sale_month", "basket_id", "product_id")
"""What makes a sale the same sale: a till rings up a product once in a basket. The month only finds the partition."""


def conform(lake: Lake, dataset: str) -> bool:
    """Bring a dimension or a small fact up to date: typed, and the latest delivery of each key.

    Returns:
        Whether there was anything new.
    """
    from pyspark.sql import functions as F

    table, source = f"silver/{dataset}", f"bronze/{dataset}"
    if lake.exists(table) and lake.watermark(source) <= lake.watermark(table):
        return False

    key, types = CONFORMED[dataset]
    rows = lake.read_after(source, lake.watermark(table)).drop("source_file", "ingested_at")
    typed = rows.withColumns({column: F.col(column).cast(type_) for column, type_ in types.items()})
    others = [column for column in typed.columns if column not in key]
    # The greatest of these is the latest; where a delivery names a key twice, the rest of the row decides.
    latest = F.max(F.struct("batch", "landed_on", *(c for c in others if c not in ("batch", "landed_on"))))
    lake.upsert(table, typed.groupBy(*key).agg(latest.alias("latest")).select(*key, "latest.*"), key)
    lake.advance(table, lake.watermark(source))
    return True


def refine_transactions(lake: Lake) -> bool:
    """Sort the new transactions into silver and quarantine.

    Returns:
        Whether there was anything new.
    """
    done = lake.watermark("silver/transactions")
    if lake.watermark("bronze/transactions") <= done:
        return False

    judged = judge(lake, lake.read_after("bronze/transactions", done)).persist()
    try:
        # Quarantine first: silver's commit is what moves the watermark on, so it has to be the last.
        (
            judged.where(~_is_good())
            .drop("typed")
            .write.format("delta")
            .mode("overwrite")
            .option("replaceWhere", f"batch > {done}")
            .save(lake.path("silver/quarantine"))
        )
        (
            judged.where(_is_good())
            .select("typed.*", "department", "brand", "row_id", "landed_on", "batch")
            .write.format("delta")
            .mode("append")
            .partitionBy("sale_month")
            .save(lake.path("silver/transactions"))
        )
    finally:
        judged.unpersist()
    # All of a load may have been refused, so only the table knows how far it got.
    lake.look_again("silver/transactions")
    return True


def judge(lake: Lake, raw: DataFrame) -> DataFrame:
    """Each raw transaction with its ``typed`` values, its product's department and brand, and the ``reasons`` against.

    A row that silver already holds is left out: it is done.
    """
    from pyspark.sql import functions as F

    typed = F.struct(*(F.col(name).try_cast(type_).alias(name) for name, type_ in NUMBERS.items()), *_times())
    objections = F.array_compact(F.array(*_form(), *_ranges(), *_strangers()))
    judged = _with_dimensions(lake, raw.withColumn("typed", typed)).withColumn("reasons", objections)
    judged = judged.drop("known_product", "known_household")
    if lake.exists("silver/transactions"):
        judged = _refuse_told(judged, lake.read("silver/transactions"))
    return _refuse_repeats(judged)


def _times() -> list[Column]:
    from pyspark.sql import functions as F

    time = F.try_to_timestamp(F.col(TIME), F.lit(TIME_FORMAT))
    return [time.alias(TIME), F.to_date(time).alias("sale_day"), F.date_format(time, "yyyy-MM").alias("sale_month")]


def _objection(reason: str, column: str, holds: Column) -> Column:
    from pyspark.sql import functions as F

    return F.when(holds, F.lit(f"{reason}:{column}"))


def _form() -> list[Column]:
    """Objections to how a field is written."""
    from pyspark.sql import functions as F

    def unreadable(column: str) -> Column:
        return F.col(column).isNotNull() & F.col(f"typed.{column}").isNull()

    required = [column for column in (*NUMBERS, TIME) if column not in OPTIONAL]
    return [
        *(_objection("missing", column, F.col(column).isNull()) for column in required),
        *(_objection("not_a_number", column, unreadable(column)) for column in NUMBERS),
        _objection("not_a_time", TIME, unreadable(TIME)),
    ]


def _ranges() -> list[Column]:
    """Objections to what a field says."""
    from pyspark.sql import functions as F

    limits = RANGES.items()
    bounds = [
        _objection("out_of_range", name, ~F.col(f"typed.{name}").between(low, high)) for name, (low, high) in limits
    ]
    return [*bounds, _objection("out_of_range", TIME, F.col("typed.sale_day") > F.col("landed_on"))]


def _strangers() -> list[Column]:
    """Objections to what no dimension knows."""
    from pyspark.sql import functions as F

    product, household = F.col("typed.product_id"), F.col("typed.household_id")
    return [
        _objection("unknown", "product_id", product.isNotNull() & F.col("known_product").isNull()),
        _objection("unknown", "household_id", household.isNotNull() & F.col("known_household").isNull()),
    ]


def _with_dimensions(lake: Lake, rows: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    products = lake.read("silver/products").select(F.col("product_id").alias("known_product"), "department", "brand")
    households = lake.read("silver/identities").select(F.col("household_id").alias("known_household"))
    return rows.join(F.broadcast(products), F.col("typed.product_id") == F.col("known_product"), "left").join(
        F.broadcast(households), F.col("typed.household_id") == F.col("known_household"), "left"
    )


def _refuse_told(rows: DataFrame, silver: DataFrame) -> DataFrame:
    """Object to good rows whose sale silver has from another row; leave out those that are in silver themselves."""
    from pyspark.sql import functions as F

    told = silver.select(*(F.col(column).alias(f"told_{column}") for column in (*SALE, "row_id")))
    same = _is_good()
    for column in SALE:
        same &= F.col(f"typed.{column}") == F.col(f"told_{column}")
    joined = rows.join(told, same, "left")
    refused = F.when(F.col("told_row_id").isNotNull(), _duplicate()).otherwise(F.col("reasons"))
    is_new = F.col("told_row_id").isNull() | (F.col("told_row_id") != F.col("row_id"))
    return joined.where(is_new).withColumn("reasons", refused).drop(*told.columns)


def _refuse_repeats(rows: DataFrame) -> DataFrame:
    """Object to good rows whose sale an earlier row of the same load tells."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    sale = Window.partitionBy(_is_good(), *(f"typed.{column}" for column in SALE)).orderBy("landed_on", "row_id")
    numbered = rows.withColumn("telling", F.row_number().over(sale))
    refused = F.when(_is_good() & (F.col("telling") > 1), _duplicate()).otherwise(F.col("reasons"))
    return numbered.withColumn("reasons", refused).drop("telling")


def _is_good() -> Column:
    from pyspark.sql import functions as F

    return F.size("reasons") == 0


def _duplicate() -> Column:
    from pyspark.sql import functions as F

    return F.array(F.lit("duplicate"))
