"""Gold: what the business asks for. Each mart is brought up to date where its facts changed, and nowhere else.

A late sale changes the day on which it was sold, so that day is computed again from silver, and no other. What is
computed again replaces what was there: doing it twice is the same as doing it once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline.pipelines.retail.lake import Lake

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def update_daily_sales(lake: Lake) -> bool:
    """``gold/daily_sales``: sales by day, store and department.

    Returns:
        Whether there was anything new.
    """
    from pyspark.sql import functions as F

    table = "gold/daily_sales"
    upto, done = lake.watermark("silver/transactions"), lake.watermark(table)
    if upto <= done:
        return False

    touched = lake.read_after("silver/transactions", done).select("sale_month", "sale_day").distinct().collect()
    days = sorted(row.sale_day for row in touched)
    months = sorted({row.sale_month for row in touched})
    sales = lake.read("silver/transactions").where(F.col("sale_month").isin(months) & F.col("sale_day").isin(days))
    (
        daily_sales(sales, lake.read("silver/promotions"))
        .withColumn("batch", F.lit(upto))
        # One file a month: a day of sales is a few dozen kilobytes.
        .repartition("sale_month")
        .write.format("delta")
        .mode("overwrite")
        .partitionBy("sale_month")
        .option("replaceWhere", f"sale_day IN ({', '.join(f'DATE{day.isoformat()!r}' for day in days)})")
        .save(lake.path(table))
    )
    return True


def daily_sales(sales: DataFrame, promotions: DataFrame) -> DataFrame:
    """Sales by day, store and department, and how much of them was on promotion in that store and week."""
    from pyspark.sql import functions as F

    on_offer = promotions.select("product_id", "store_id", "week").withColumn("promoted", F.lit(True))
    return (
        sales.join(on_offer, ["product_id", "store_id", "week"], "left")
        .groupBy("sale_month", "sale_day", "store_id", "department")
        .agg(
            F.countDistinct("basket_id").alias("baskets"),
            F.count("*").alias("lines"),
            F.sum("sales_value").alias("sales_value"),
            discount().alias("discount"),
            F.sum(F.when(F.col("promoted"), F.col("sales_value")).otherwise(0)).alias("promoted_sales_value"),
        )
    )


def update_household_value(lake: Lake) -> bool:
    """``gold/household_value``: what each household has bought so far.

    Returns:
        Whether there was anything new.
    """
    from pyspark.sql import functions as F

    table = "gold/household_value"
    upto, done = lake.watermark("silver/transactions"), lake.watermark(table)
    if upto <= done:
        return False

    sales = lake.read("silver/transactions")
    touched = sales.where(F.col("batch") > done).select("household_id").distinct()
    value = household_value(sales.join(touched, "household_id", "left_semi"), lake.read("silver/demographics"))
    lake.upsert(table, value.withColumn("batch", F.lit(upto)), ("household_id",))
    return True


def household_value(sales: DataFrame, demographics: DataFrame) -> DataFrame:
    """What each household bought, how often, since when, and who they are as far as they said."""
    from pyspark.sql import functions as F

    return (
        sales.groupBy("household_id")
        .agg(
            F.min("sale_day").alias("first_day"),
            F.max("sale_day").alias("last_day"),
            F.countDistinct("basket_id").alias("baskets"),
            F.countDistinct("store_id").alias("stores"),
            F.sum("sales_value").alias("sales_value"),
            discount().alias("discount"),
        )
        .withColumn("sales_value_per_basket", F.round(F.col("sales_value") / F.col("baskets"), 2))
        .join(demographics.select("household_id", "age", "income", "household_size"), "household_id", "left")
    )


def update_campaign_redemption(lake: Lake) -> bool:
    """``gold/campaign_redemption``: how far each campaign has worked. Twenty-seven rows, computed again as a whole.

    Returns:
        Whether there was anything new.
    """
    from pyspark.sql import functions as F

    table = "gold/campaign_redemption"
    facts = ("campaign_descriptions", "campaigns", "coupons", "coupon_redemptions")
    # The batches of several sources only ever grow, and so does their sum.
    upto = sum(lake.watermark(f"silver/{name}") for name in facts)
    if upto <= lake.watermark(table):
        return False

    campaigns, targets, coupons, redemptions = (lake.read(f"silver/{name}") for name in facts)
    result = campaign_redemption(campaigns, targets, coupons, redemptions).withColumn("batch", F.lit(upto))
    result.coalesce(1).write.format("delta").mode("overwrite").save(lake.path(table))
    return True


def campaign_redemption(
    campaigns: DataFrame, targets: DataFrame, coupons: DataFrame, redemptions: DataFrame
) -> DataFrame:
    """For each campaign, how many households it addressed, how many of them redeemed a coupon, and how many coupons."""
    from pyspark.sql import functions as F

    addressed = targets.groupBy("campaign_id").agg(F.count("*").alias("households"))
    offered = coupons.groupBy("campaign_id").agg(F.countDistinct("coupon_upc").alias("coupons"))
    redeemed = redemptions.groupBy("campaign_id").agg(
        F.count("*").alias("redemptions"), F.countDistinct("household_id").alias("redeeming_households")
    )
    counts = ["households", "coupons", "redemptions", "redeeming_households"]
    return (
        campaigns.select("campaign_id", "campaign_type", "start_date", "end_date")
        .join(addressed, "campaign_id", "left")
        .join(offered, "campaign_id", "left")
        .join(redeemed, "campaign_id", "left")
        .fillna(0, counts)
        .withColumn("redemption_rate", F.try_divide("redeeming_households", "households"))
    )


def discount() -> Column:
    """What the shop, the coupon and the shop's match of the coupon took off; a discount that is not told is none."""
    from pyspark.sql import functions as F

    parts = (F.coalesce(name, F.lit(0)) for name in ("retail_disc", "coupon_disc", "coupon_match_disc"))
    return F.sum(sum(parts, F.lit(0)))
