"""The three dashboards: how jobs go, how good the data is, what it all runs on."""

from __future__ import annotations

from hookline.core.labels import LAYERS
from hookline.observability.dashboards.model import Board, Chart, FromAws, Records, Shown

_DAY_S = 86_400
_HOUR_S = 3_600
_JOB = ("job",)
_TABLE = ("dataset",)
_RUN_STATUS = ("finished", "failed", "refused", "abandoned")
_CHECK_STATUS = ("passed", "failed", "error", "skipped")
_FAILED_CHECKS = Records(
    query=(
        "fields @timestamp, dataset, failed_checks.0.check, failed_checks.0.severity, failed_checks.0.failing_rows, "
        "rows_quarantined, run_id | filter ispresent(failed_checks.0.check) | sort @timestamp desc | limit 50"
    ),
    search="source:hookline @failed_checks.check:*",
    columns=("@dataset", "@failed_checks.check", "@failed_checks.failing_rows", "@rows_quarantined", "@run_id"),
)
_SET_ASIDE = Records(
    query=(
        "fields @timestamp, dataset, masked_samples.0.reasons, masked_samples.0.row, masked_samples.1.row, "
        "masked_samples.2.row, rows_quarantined, run_id | filter ispresent(masked_samples.0.row) "
        "| sort @timestamp desc | limit 50"
    ),
    search="source:hookline @masked_samples.row:*",
    columns=("@dataset", "@masked_samples.reasons", "@masked_samples.row", "@rows_quarantined", "@run_id"),
)
_FAILED_RUNS = Records(
    query=(
        "fields @timestamp, job, event, status, error_type, duration_s, run_id | filter level = 'error' "
        "| sort @timestamp desc | limit 50"
    ),
    search="source:hookline status:error",
    columns=("@job", "@event", "@error_type", "@duration_s", "@run_id"),
)

ETL = Board(
    "etl",
    "Hookline: ETL",
    "Which jobs ran, how they ended, how long they took, what they wrote.",
    (
        Chart(
            "Success rate",
            (Shown("run.success", "average", "success rate", formula="100 * {}"),),
            "number",
            "%",
            width=6,
            period_s=_DAY_S,
        ),
        Chart(
            "Failure rate",
            (Shown("run.success", "average", "failure rate", formula="100 * (1 - {})"),),
            "number",
            "%",
            width=6,
            period_s=_DAY_S,
        ),
        Chart("Runs", (Shown("run.ended", "sum", "runs"),), "number", width=6, period_s=_DAY_S),
        Chart("Rows written", (Shown("write.rows", "sum", "rows"),), "number", width=6, period_s=_DAY_S),
        Chart(
            "Success rate by job",
            (Shown("run.success", "average", "success rate", _JOB, formula="100 * {}"),),
            unit="%",
            period_s=_HOUR_S,
        ),
        Chart(
            "Runs by how they ended",
            (Shown("run.ended", "sum", "runs", ("status",), values=_RUN_STATUS),),
            "bars",
            period_s=_HOUR_S,
        ),
        Chart("Processing time by job", (Shown("run.duration_s", "average", "duration", _JOB),), unit="s"),
        Chart("Longest processing time by job", (Shown("run.duration_s", "maximum", "longest", _JOB),), unit="s"),
        Chart("Time of writes by table", (Shown("write.duration_s", "average", "duration", _TABLE),), unit="s"),
        Chart(
            "Latency, from event time to publication",
            (Shown("write.latency_s", "maximum", "latency", _TABLE),),
            unit="s",
            note="Of streaming writes with an event-time watermark.",
        ),
        Chart(
            "Records by layer",
            (Shown("layer.rows", "sum", "rows", ("layer",), values=LAYERS),),
            "stacked",
            period_s=_HOUR_S,
        ),
        Chart(
            "Bytes by layer",
            (Shown("layer.bytes", "sum", "bytes", ("layer",), values=LAYERS),),
            "stacked",
            "bytes",
            period_s=_HOUR_S,
        ),
        Chart("Streams: rows that wait", (Shown("stream.lag_rows", "maximum", "lag", _TABLE),)),
        Chart("Streams: rows a second", (Shown("stream.processed_rows_per_s", "average", "rows a second", _TABLE),)),
        Chart("Cost by job", (Shown("cost.run_dollars", "sum", "cost", _JOB),), "bars", "$", period_s=_DAY_S),
        Chart("hookline's own part of runs", (Shown("run.overhead_s", "maximum", "overhead", _JOB),), unit="s"),
        Chart("What failed last", kind="table", width=24, records=_FAILED_RUNS),
    ),
)

QUALITY = Board(
    "data-quality",
    "Hookline: data quality",
    "Which tables pass their checks, which fail critical ones, and which no longer look as they did.",
    (
        Chart(
            "Pass rate",
            (Shown("quality.pass_rate", "average", "pass rate", formula="100 * {}"),),
            "number",
            "%",
            width=6,
            period_s=_DAY_S,
        ),
        Chart(
            "Critical violations",
            (Shown("quality.critical_violations", "sum", "violations"),),
            "number",
            width=6,
            period_s=_DAY_S,
        ),
        Chart(
            "Refused writes", (Shown("quality.refused_writes", "sum", "refused"),), "number", width=6, period_s=_DAY_S
        ),
        Chart(
            "Rows set aside",
            (Shown("write.rows_quarantined", "sum", "rows"),),
            "number",
            width=6,
            period_s=_DAY_S,
        ),
        Chart(
            "Pass rate by table",
            (Shown("quality.pass_rate", "minimum", "pass rate", _TABLE, formula="100 * {}"),),
            unit="%",
            period_s=_HOUR_S,
        ),
        Chart(
            "Critical violations by table",
            (Shown("quality.critical_violations", "sum", "violations", _TABLE),),
            "bars",
            period_s=_HOUR_S,
        ),
        Chart(
            "Checks by how they ended",
            (Shown("quality.checks", "sum", "checks", ("status",), values=_CHECK_STATUS),),
            "bars",
            period_s=_HOUR_S,
        ),
        Chart(
            "Failing rows by table", (Shown("quality.failing_rows", "sum", "rows", _TABLE),), "bars", period_s=_HOUR_S
        ),
        Chart(
            "Drift by table",
            (Shown("quality.drift_score", "maximum", "distance", _TABLE),),
            period_s=_HOUR_S,
            note="The greatest distance of a column from its baseline.",
        ),
        Chart("Rows by table", (Shown("write.rows", "sum", "rows", _TABLE),), period_s=_HOUR_S),
        Chart(
            "Checks that failed last",
            kind="table",
            width=24,
            records=_FAILED_CHECKS,
            note="Names and counts.",
        ),
        Chart(
            "Rows that were set aside, masked",
            kind="table",
            width=24,
            records=_SET_ASIDE,
            note="Of every value its shape alone, and only with `masked_samples`.",
        ),
    ),
)

INFRASTRUCTURE = Board(
    "infrastructure",
    "Hookline: infrastructure",
    "How busy the machines are, what storage costs, how often AWS is called, and what fails on the way.",
    (
        Chart(
            "Executors: how busy",
            (Shown("run.busy_share", "average", "busy", _JOB, formula="100 * {}"),),
            unit="%",
            note="Task time of the cores that were there.",
        ),
        Chart(
            "Garbage collection's share by table",
            (Shown("spark.gc_share", "maximum", "share", _TABLE, formula="100 * {}"),),
            unit="%",
        ),
        Chart(
            "Peak execution memory of a task",
            (Shown("spark.peak_memory_bytes", "maximum", "peak", _TABLE),),
            unit="bytes",
        ),
        Chart(
            "Spill",
            (
                Shown("spark.memory_spill_bytes", "sum", "in memory"),
                Shown("spark.disk_spill_bytes", "sum", "on disk"),
            ),
            unit="bytes",
        ),
        Chart(
            "EMR: memory that is free",
            (
                FromAws(
                    "AWS/ElasticMapReduce",
                    "YARNMemoryAvailablePercentage",
                    "average",
                    "free",
                    ("JobFlowId",),
                ),
            ),
            unit="%",
        ),
        Chart(
            "EMR: containers that wait, and clusters that are idle",
            (
                FromAws("AWS/ElasticMapReduce", "ContainerPending", "maximum", "waiting", ("JobFlowId",)),
                FromAws("AWS/ElasticMapReduce", "IsIdle", "average", "idle", ("JobFlowId",)),
            ),
        ),
        Chart(
            "EMR: HDFS in use, and nodes that are unhealthy",
            (
                FromAws("AWS/ElasticMapReduce", "HDFSUtilization", "average", "in use, %", ("JobFlowId",)),
                FromAws("AWS/ElasticMapReduce", "MRUnhealthyNodes", "maximum", "unhealthy", ("JobFlowId",)),
            ),
        ),
        Chart(
            "S3: what is stored",
            (
                FromAws("AWS/S3", "BucketSizeBytes", "average", "bytes", ("BucketName", "StorageType")),
                FromAws("AWS/S3", "NumberOfObjects", "average", "objects", ("BucketName", "StorageType")),
            ),
            period_s=_DAY_S,
        ),
        Chart(
            "Storage cost a month by table",
            (Shown("cost.storage_dollars_month", "maximum", "a month", _TABLE),),
            unit="$",
            period_s=_DAY_S,
        ),
        Chart("Cost by table", (Shown("cost.dataset_dollars", "sum", "cost", _TABLE),), "bars", "$", period_s=_DAY_S),
        Chart(
            "Calls of AWS's interfaces",
            (
                FromAws(
                    "AWS/Usage",
                    "CallCount",
                    "sum",
                    "calls",
                    ("Class", "Resource", "Service", "Type"),
                    {"Type": ("API",), "Service": ("CloudWatch", "Logs", "Glue", "Elastic MapReduce", "Kinesis")},
                ),
            ),
        ),
        Chart(
            "S3: requests",
            (FromAws("AWS/S3", "AllRequests", "sum", "requests", ("BucketName", "FilterId")),),
            note="Of buckets with request metrics.",
        ),
        Chart(
            "S3: errors",
            (
                FromAws("AWS/S3", "4xxErrors", "sum", "4xx", ("BucketName", "FilterId")),
                FromAws("AWS/S3", "5xxErrors", "sum", "5xx", ("BucketName", "FilterId")),
            ),
        ),
        Chart(
            "Tasks and jobs of Spark that failed",
            (Shown("spark.tasks_failed", "sum", "tasks"), Shown("spark.jobs_failed", "sum", "jobs")),
            "bars",
        ),
        Chart("Deliveries that failed, by back end", (Shown("outbox.failures", "maximum", "failures", ("sink",)),)),
        Chart(
            "Messages that wait, and those that were refused, by back end",
            (
                Shown("outbox.pending", "maximum", "waiting", ("sink",)),
                Shown("outbox.dead", "maximum", "refused", ("sink",)),
            ),
        ),
        Chart("Plugins: calls that failed", (Shown("plugin.failures", "sum", "failures", ("plugin",)),), "bars"),
    ),
)

BOARDS: tuple[Board, ...] = (ETL, QUALITY, INFRASTRUCTURE)
