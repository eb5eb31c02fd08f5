"""The job that is measured: TPC-H's 22 queries, each written to a folder. Knows nothing of hookline.

python job.py INPUT OUTPUT QUERIES [ROUNDS]   (QUERIES: a JSON file, number to SQL)
"""

import json
import pathlib
import sys
import time

from pyspark.sql import SparkSession

TABLES = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"]


def main(source: str, target: str, queries: str, rounds: int = 1) -> None:
    spark = SparkSession.builder.appName("tpch").getOrCreate()
    for table in TABLES:
        spark.read.parquet(f"{source}/{table}.parquet").createOrReplaceTempView(table)
    texts = json.loads(pathlib.Path(queries).read_text())
    for turn in range(int(rounds)):
        for number, text in texts.items():
            began = time.perf_counter()
            frame = spark.sql(text)
            names = [f"c{place}" if "(" in name else name for place, name in enumerate(frame.columns)]
            frame.toDF(*names).write.mode("overwrite").parquet(f"{target}/q{number}")
            print(f"TOOK {turn} {number} {time.perf_counter() - began:.6f}", flush=True)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
