"""The job that is measured: reads TPC-H's lineitem, spoils one row in a thousand, writes it. Knows nothing of hookline.

python spoiled_job.py INPUT OUTPUT [parquet|delta]
"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main(source: str, target: str, form: str = "parquet") -> None:
    spark = SparkSession.builder.appName("lineitem").getOrCreate()
    items = spark.read.parquet(source)
    net = F.col("l_extendedprice") * (1 - F.col("l_discount"))
    spoiled = F.pmod(F.xxhash64("l_orderkey", "l_linenumber"), F.lit(1000)) == 0
    derived = items.withColumns(
        {
            "net_price": net.cast("decimal(15,2)"),
            "days_on_way": F.datediff("l_receiptdate", "l_shipdate"),
            "l_comment": F.trim("l_comment"),
            "l_quantity": F.when(spoiled, -F.col("l_quantity")).otherwise(F.col("l_quantity")),
        }
    )
    derived.write.format(form).mode("overwrite").save(target)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
