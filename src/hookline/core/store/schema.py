"""The tables of the newest version, for queries. Databases are made and changed by ``migrations`` alone."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()
# A job's name may be longer than an index entry: runs are found by so many characters of it.
JOB_KEY = 200

schema_version = Table("hookline_schema_version", metadata, Column("version", Integer, nullable=False))
runs = Table(
    "hookline_runs",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("job", Text, nullable=False, default=""),
    Column("environment", Text),
    Column("parent_run_id", Text),
    Column("parent_job", Text),
    Column("started_at", String(40), index=True),
    Column("status", String(16), nullable=False),
    Column("finished_at", String(40)),
    Column("duration_s", Float),
    Column("overhead_s", Float),
    Column("exit_code", Integer),
    Column("error", Text),
    Column("writes_total", Integer),
    Column("unseen_writes", Integer),
    Column("notes", Text),
    Column("plugins", Text),
    Column("run_by", Text),
    Column("job_key", String(JOB_KEY)),
    Index("ix_hookline_runs_status", "status", "started_at"),
    Index("ix_hookline_runs_job_key", "job_key", "started_at"),
)
reads = Table(
    "hookline_reads",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
)
# dataset_id: content_id(namespace, name); names may be longer than an index entry.
writes = Table(
    "hookline_writes",
    metadata,
    Column("write_id", String(96), primary_key=True),
    Column("run_id", String(64), nullable=False, index=True),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("format", Text),
    Column("operation", String(16), nullable=False),
    Column("rows", BigInteger),
    Column("bytes", BigInteger),
    Column("files", BigInteger),
    Column("way", String(16)),
    Column("intercepted", Boolean),
    Column("published", Boolean),
    Column("batch_id", BigInteger),
    Column("started_at", String(40)),
    Column("finished_at", String(40)),
    Column("duration_s", Float),
    Column("overhead_s", Float),
    Column("error", Text),
    Column("columns", Text),
    Column("opaque", Text),
    Column("dataset_id", String(32), index=True),
    Column("rows_quarantined", BigInteger),
    Column("quarantine", Text),
    Column("data_version", Text),
    Column("lineage_id", String(32)),
    Index("ix_hookline_writes_dataset_started", "dataset_id", "started_at"),
)
# Where the columns of writes came from, once for all writes that say the same; lineage_id: content_id of the document.
column_lineage = Table(
    "hookline_column_lineage",
    metadata,
    Column("lineage_id", String(32), primary_key=True),
    Column("document", Text, nullable=False),
)
verdicts = Table(
    "hookline_verdicts",
    metadata,
    Column("write_id", String(96), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("check_name", Text, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("observed", Text),
    Column("observed_type", String(8)),
    Column("failing_rows", BigInteger),
    Column("expected", Text),
    Column("columns", Text),
    Column("way", String(16)),
    Column("required", Boolean),
    Column("message", Text),
    Column("plugin", Text),
    Column("suite", Text),
)
# What each write was made from, whether it came about or not; version 1 has those of published writes only.
edges = Table(
    "hookline_edges",
    metadata,
    Column("write_id", String(96), primary_key=True),
    Column("source_namespace", Text, primary_key=True),
    Column("source_name", Text, primary_key=True),
    Column("target_namespace", Text, nullable=False),
    Column("target_name", Text, nullable=False),
)
# Other names of the same data; symlink_id: content_id of the four.
symlinks = Table(
    "hookline_symlinks",
    metadata,
    Column("symlink_id", String(32), primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("other_namespace", Text, nullable=False),
    Column("other_name", Text, nullable=False),
)
# What written rows looked like; document: JSON, compressed and in base64, without texts that may not be kept.
profiles = Table(
    "hookline_profiles",
    metadata,
    Column("write_id", String(96), primary_key=True),
    Column("part", String(128), primary_key=True),
    Column("dataset_id", String(32), nullable=False, index=True),
    Column("run_id", String(64), nullable=False),
    Column("started_at", String(40), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
)
# What is measured again and again: a job's runs (no dataset), or its writes to a dataset; subject_id: content_id of the four.
subjects = Table(
    "hookline_subjects",
    metadata,
    Column("subject_id", String(32), primary_key=True),
    Column("job", Text, nullable=False),
    Column("environment", Text),
    Column("namespace", Text),
    Column("name", Text),
)
# The numbers of one run or write, packed; event_id is its id. Those of days past are folded into metric_days.
measurements = Table(
    "hookline_measurements",
    metadata,
    Column("event_id", String(96), primary_key=True),
    Column("run_id", String(64), nullable=False, index=True),
    Column("subject_id", String(32), nullable=False),
    Column("at", String(40), nullable=False),
    Column("good", Boolean, nullable=False),
    Column("document", Text, nullable=False),
    Index("ix_hookline_measurements_subject_id", "subject_id", "at"),
    Index("ix_hookline_measurements_at", "at"),
)
# A day of one metric, hour by hour, packed: lists of hour, count, median, least, greatest, sum.
metric_days = Table(
    "hookline_metric_days",
    metadata,
    Column("subject_id", String(32), primary_key=True),
    Column("metric", String(160), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("hours", Text, nullable=False),
)
# What a run cost (an empty dataset_id), and its datasets' shares; subject_id is that of the job.
costs = Table(
    "hookline_costs",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("dataset_id", String(32), primary_key=True),
    Column("subject_id", String(32), nullable=False),
    Column("at", String(40), nullable=False),
    Column("amount", Float, nullable=False),
    Column("currency", String(8), nullable=False),
    Index("ix_hookline_costs_dataset_id", "dataset_id", "at", "currency", "subject_id", "amount"),
)
# The versions of a dataset's columns, from 1: a new one where a published write's differ from the write's before it.
schemas = Table(
    "hookline_schemas",
    metadata,
    Column("dataset_id", String(32), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("columns", Text, nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("write_id", String(96), nullable=False),
    Column("first_seen_at", String(40), nullable=False),
    Column("last_seen_at", String(40), nullable=False),
)
# Alerts that were told, by what they are about (content_id); document: the latest fact, channels: those that know of it.
alerts = Table(
    "hookline_alerts",
    metadata,
    Column("alert_key", String(32), primary_key=True),
    Column("state", String(16), nullable=False, index=True),
    Column("severity", String(16), nullable=False),
    Column("document", Text, nullable=False),
    Column("channels", Text, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("opened_at", String(40), nullable=False),
    Column("last_at", String(40), nullable=False),
    Column("told_at", String(40), nullable=False),
)
# What runs that go on have gathered to tell.
alert_facts = Table(
    "hookline_alert_facts",
    metadata,
    Column("fact_id", String(32), primary_key=True),
    Column("group_id", String(64), nullable=False, index=True),
    Column("at", String(40), nullable=False),
    Column("document", Text, nullable=False),
)
# Numbers that go on from run to run; document: JSON, compressed and in base64.
totals = Table(
    "hookline_totals",
    metadata,
    Column("totals_key", String(32), primary_key=True),
    Column("changed_at", String(40), nullable=False),
    Column("document", Text, nullable=False),
)
# What people allowed and took back, entry by entry; subject: a token, never an id of a person.
consents = Table(
    "hookline_consents",
    metadata,
    Column("entry_id", String(32), primary_key=True),
    Column("subject", String(64), nullable=False, index=True),
    Column("purpose", String(200), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("basis", String(32)),
    Column("valid_from", String(40), nullable=False),
    Column("valid_to", String(40)),
    Column("source", Text),
    Column("actor", Text),
    Column("recorded_at", String(40), nullable=False),
)
# When a dataset was last looked through for personal data; columns_id: of the names and types that it had.
scans = Table(
    "hookline_scans",
    metadata,
    Column("dataset_id", String(32), primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scanned_at", String(40), nullable=False),
    Column("run_id", String(64)),
    Column("columns_id", String(32), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("sampled", BigInteger, nullable=False),
)
# What that found, column by column; reasons: JSON, never a value.
classifications = Table(
    "hookline_classifications",
    metadata,
    Column("dataset_id", String(32), primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("column_name", Text, nullable=False),
    Column("entity", String(64), nullable=False, index=True),
    Column("confidence", Float, nullable=False),
    Column("share", Float, nullable=False),
    Column("within", Boolean, nullable=False),
    Column("reasons", Text, nullable=False),
)
# A key for each subject; subject: a token, never an id of a person. wrapped is null once the key was destroyed.
subject_keys = Table(
    "hookline_subject_keys",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("key_id", String(32), nullable=False),
    Column("wrapped", Text),
    Column("key_name", String(64), nullable=False),
    Column("key_version", Integer, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("erased_at", String(40)),
    Index("ix_hookline_subject_keys_key_id", "key_id", unique=True),
)
# Where a dataset is and how it is laid out, as it was seen last; columns: JSON, of what was looked at where it rests.
catalog_layouts = Table(
    "hookline_catalog_layouts",
    metadata,
    Column("dataset_id", String(32), primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("format", Text),
    Column("location", Text),
    Column("table_name", Text),
    Column("partition_by", Text),
    Column("columns", Text),
    Column("comments", Text),
    Column("rows", BigInteger),
    Column("bytes", BigInteger),
    Column("seen_at", String(40), nullable=False),
)
# What people say of a dataset; tags and comments (by column): JSON.
catalog_entries = Table(
    "hookline_catalog_entries",
    metadata,
    Column("dataset_id", String(32), primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("owner", Text),
    Column("description", Text),
    Column("tags", Text, nullable=False),
    Column("comments", Text, nullable=False),
    Column("changed_at", String(40), nullable=False),
)
# The steps of a dataset's certification, from 1; the last one says how it is now.
catalog_steps = Table(
    "hookline_catalog_steps",
    metadata,
    Column("dataset_id", String(32), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", String(40), nullable=False),
    Column("actor", Text),
    Column("reason", Text, nullable=False),
    Column("by_itself", Boolean, nullable=False),
)
# What policies made in an account, so that nothing else is ever taken away; scope: the account and region.
managed_items = Table(
    "hookline_managed_items",
    metadata,
    Column("scope", String(100), primary_key=True),
    Column("item_id", String(32), primary_key=True),
    Column("document", Text, nullable=False),
    Column("recorded_at", String(40), nullable=False),
)
