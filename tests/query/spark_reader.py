"""What Spark makes of a lake: its counts and sums as JSON, in a process of its own.

    python spark_reader.py LAKE RELATION...

The clock of whoever reads is not in UTC, so that an instant that is read by it is found out.
"""

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as f
from pyspark.sql import types as t

LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
CALM = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.memory": "1g",
    "spark.sql.session.timeZone": "Asia/Kolkata",
    # An environment may be named 2026, and a month is no date.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
}


def started():
    making = SparkSession.builder.master("local[2]")
    for name, value in {**LOOPBACK, **CALM}.items():
        making = making.config(name, value)
    return making.getOrCreate()


def told(frame):
    """Return count and figures of each column, as `figures` in the test asks `sql` for them."""
    wanted = [f.count("*").alias("rows")]
    for field in frame.schema.fields:
        column, name = f.col(f"`{field.name}`"), field.name
        wanted.append(f.count(column).alias(f"{name} held"))
        match field.dataType:
            case t.TimestampType() | t.TimestampNTZType():
                micros = f.unix_micros(column.cast("timestamp"))
                figures = {"least": f.min(micros), "most": f.max(micros)}
            case t.BooleanType():
                figures = {"sum": f.sum(column.cast("int"))}
            case t.StringType():
                figures = {
                    "distinct": f.size(f.collect_set(column)),
                    "sum": f.sum(f.length(column)),
                    "least": f.min(f.md5(column)),
                    "most": f.max(f.md5(column)),
                }
            case t.LongType():  # whose sum may be greater than any
                figures = {
                    "sum": f.sum(column.cast("decimal(38)")),
                    "least": f.min(column),
                    "most": f.max(column),
                }
            case _:
                figures = {"sum": f.sum(column), "least": f.min(column), "most": f.max(column)}
        wanted += [figure.alias(f"{name} {what}") for what, figure in figures.items()]
    (row,) = frame.agg(*wanted).collect()
    return row.asDict()


def main():
    lake, *names = sys.argv[1:]
    held = [name for name in names if any((Path(lake) / name).rglob("*.parquet"))]
    spark = started()
    try:
        spark.sparkContext.setLogLevel("ERROR")
        found = {name: told(spark.read.parquet(str(Path(lake) / name))) for name in held}
    finally:
        spark.stop()
    sys.stdout.write(json.dumps(found, default=int))


main()
