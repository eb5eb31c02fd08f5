"""A secured session: tables are what the principal may see, whichever way they are asked for; all else is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import hookline
from hookline.core.config_models import Config
from hookline.core.errors import AccessDeniedError, AuditError, ConfigError, StoreError
from hookline.governance.audit import AuditLog

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
ROLE = "arn:aws:iam::123456789012:role/"
POLICY: dict[str, Any] = {
    "kind": "access",
    "name": "crm",
    "principals": {name: {"id": ROLE + name} for name in ("ann", "loader", "eve")},
    "tags": {
        "level": {
            "values": ["open", "personal"],
            "carried": [{"databases": ["sec_crm"], "value": "open"}],
            "classified": {"EMAIL_ADDRESS": "personal"},
        }
    },
    "rules": [
        {
            "name": "read",
            "principals": ["ann"],
            "allow": "select",
            "tables": ["sec_crm.people"],
            "columns": {"exclude": ["salary"]},
            "filter": "country = 'DE'",
            "masks": {"email": {"mask": "redact"}},
        },
        {"name": "weird", "principals": ["ann"], "allow": "select", "tables": ['sec_crm."select"']},
        {"name": "load", "principals": ["loader"], "allow": ["insert", "describe"], "tables": ["sec_crm.people"]},
        {"name": "own", "principals": ["loader"], "allow": ["insert", "delete", "drop", "select"], "tables": ["sec_own.*"]},
        {"name": "make", "principals": ["loader"], "allow": "create_table", "databases": ["sec_own", "parquet"]},
        {"name": "tags", "principals": ["eve"], "allow": "select", "tagged": {"level": ["open"]}},
    ],
}  # fmt: skip
DE = [(1, "DE", "***"), (3, "DE", None)]


@pytest.fixture(scope="module")
def lake(spark: SparkSession) -> Iterator[None]:
    for database in ("sec_crm", "sec_own"):
        spark.sql(f"CREATE DATABASE {database}")
    rows = [(1, "DE", "a@b.c", 10), (2, "FR", "d@e.f", 20), (3, "DE", None, 30)]
    frame = spark.createDataFrame(rows, "id int, country string, email string, salary int")
    frame.write.saveAsTable("sec_crm.people")
    frame.write.saveAsTable("sec_crm.secret")
    frame.select("id").write.saveAsTable("sec_crm.`select`")
    yield
    for database in ("sec_crm", "sec_own"):
        spark.sql(f"DROP DATABASE {database} CASCADE")


class Place:
    """A folder with a policy, an audit log and a store."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.folder = spark, folder
        self.config = Config(state_dir=folder / "state", base_dir=folder)
        self.log = AuditLog(folder / "state" / "audit.log")
        self.write(POLICY)

    def write(self, policy: Any) -> None:
        (self.folder / "policies").mkdir(exist_ok=True)
        (self.folder / "policies" / "crm.yaml").write_text(yaml.safe_dump(policy))

    def secure(self, principal: str, **more: Any) -> Any:
        return hookline.secure(self.spark, principal, config=self.config, **more)

    def told(self) -> list[Any]:
        """What the log has, after its own first record and the session's."""
        return [record.entry for record in self.log.records()][2:]


@pytest.fixture
def place(spark: SparkSession, lake: None, tmp_path: Path) -> Place:
    return Place(spark, tmp_path)


def rows(frame: Any) -> list[Any]:
    return sorted(map(tuple, frame.collect()))


def test_every_way_to_a_table_leads_to_the_view(place: Place) -> None:
    ann = place.secure("ann")
    for frame in (
        ann.table("sec_crm.people"),
        ann.table("spark_catalog.SEC_CRM.People"),
        ann.read.table("sec_crm.people"),
        ann.sql("SELECT * FROM sec_crm.people"),
        ann.sql("TABLE sec_crm.people"),
        ann.sql("SELECT people.* FROM sec_crm.people"),
        ann.sql("SELECT p.* FROM sec_crm.people AS p"),
        ann.sql("SELECT * FROM IDENTIFIER('sec_crm.people')"),
        ann.sql("WITH people AS (SELECT * FROM sec_crm.people) SELECT * FROM people"),
        ann.sql("SELECT * FROM sec_crm.people WHERE id IN (SELECT id FROM sec_crm.people /* sec_crm.secret */)"),
        ann.sql("FROM sec_crm.people |> SELECT *"),
        ann.sql("SELECT * FROM {t}", t=ann.table("sec_crm.people")),
        ann.newSession().table("sec_crm.people"),
        ann.table("sec_crm.people").sparkSession.table("sec_crm.people"),
    ):
        assert frame.columns == ["id", "country", "email"]
        assert rows(frame) == DE
    assert rows(ann.sql("SELECT 'ä😀', id FROM sec_crm.people JOIN sec_crm.`select` USING (id)")) == [
        ("ä😀", 1),
        ("ä😀", 3),
    ]
    ann.table("sec_crm.people").createOrReplaceTempView("mine")
    assert rows(ann.sql("SELECT * FROM mine")) == rows(ann.table("mine")) == DE
    ann.catalog.setCurrentDatabase("sec_crm")
    assert rows(ann.sql("SELECT * FROM people")) == rows(ann.table("people")) == DE
    assert ann.sql("SELECT count(*) FROM range(3)").first()[0] == 3
    assert [row.id for row in place.spark.table("sec_crm.people").orderBy("id").collect()] == [1, 2, 3]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM sec_crm.secret",
        "SELECT * FROM sec_crm.people WHERE id IN (SELECT id FROM sec_crm.secret)",
        "WITH secret AS (SELECT 1) SELECT * FROM sec_crm.secret",
        "SELECT * FROM (WITH secret AS (SELECT 1 AS id) SELECT * FROM secret) a, sec_crm.secret",
        "SELECT * FROM IDENTIFIER('sec_crm.' || 'secret')",
        "SELECT * FROM nowhere.table",
        "SELECT '${spark.app.name}', id FROM sec_crm.people",
        "SELECT * FROM hookline_view_0",
        "SELECT * FROM parquet.`/etc`",
        "SELECT * FROM global_temp.x",
        "SELECT * FROM sec_crm.people VERSION AS OF 1",
        "SELECT reflect('java.lang.System', 'getenv', 'HOME')",
        "SELECT IDENTIFIER('refl' 'ect')('java.lang.System', 'getenv', 'HOME')",
        "SELECT TRANSFORM(id) USING 'cat' FROM sec_crm.people",
        "EXPLAIN SELECT * FROM sec_crm.people",
        "SHOW TABLES IN sec_crm",
        "DESCRIBE sec_crm.secret",
        "CREATE TEMP VIEW v AS SELECT * FROM sec_crm.secret",
        "CREATE TABLE sec_own.t AS SELECT * FROM sec_crm.secret",
        "CACHE TABLE c AS SELECT * FROM sec_crm.secret",
        "INSERT INTO sec_own.t SELECT * FROM sec_crm.people",
        "DELETE FROM sec_crm.people",
        "DROP TABLE sec_crm.people",
        "SET spark.sql.ansi.enabled = false",
        "EXECUTE IMMEDIATE 'SELECT * FROM sec_crm.secret'",
        "BEGIN SELECT * FROM sec_crm.secret; END",
        "INSERT OVERWRITE DIRECTORY '/tmp/x' USING parquet SELECT * FROM sec_crm.people",
    ],
)
def test_what_is_refused(place: Place, text: str) -> None:
    ann = place.secure("ann")
    with pytest.raises(AccessDeniedError):
        ann.sql(text)
    assert place.told()[-1].action == "access.refused"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT (SELECT max(salary) FROM {secret})",
        "SELECT * FROM sec_crm.people p, LATERAL (SELECT s.salary FROM {secret} s WHERE s.id = p.id)",
        "SELECT * FROM sec_crm.people ORDER BY (SELECT max(salary) FROM {secret})",
        "SELECT country FROM sec_crm.people GROUP BY country HAVING EXISTS (SELECT 1 FROM {secret})",
        "SELECT transform(array(1), x -> (SELECT max(salary) FROM {secret}))",
        "SELECT * FROM VALUES ((SELECT max(salary) FROM {secret}))",
        "SELECT * FROM explode(array((SELECT max(salary) FROM {secret})))",
        "SELECT * FROM sec_crm.people UNION ALL (TABLE {secret})",
        "SELECT * FROM sec_crm.people |> UNION ALL (SELECT id, country, email FROM {secret})",
        "WITH a AS (WITH b AS (SELECT * FROM {secret}) SELECT * FROM b) SELECT * FROM a",
        "WITH RECURSIVE r AS (SELECT salary FROM {secret} UNION ALL SELECT salary FROM r WHERE false) SELECT * FROM r",
        "SELECT * FROM sec_crm.people JOIN {secret} USING (id)",
        "SELECT * FROM {secret} TABLESAMPLE (100 PERCENT)",
        "SELECT * FROM {secret} PIVOT (max(salary) FOR country IN ('DE'))",
        "SELECT id, (SELECT salary FROM {secret} s WHERE s.id = people.id) FROM sec_crm.people",
        "INSERT INTO sec_own.t VALUES ((SELECT max(salary) FROM {secret}), 'x')",
        "FROM {secret} SELECT *",
        "FROM {secret} INSERT INTO sec_own.t SELECT id, country",
        "SELECT * FROM sec_crm./* people */secret",
        "SELECT * FROM `sec_crm` . `secret`",
        "SELECT * FROM IDENTIFIER('`sec_crm`.`secret`')",
        "SELECT * FROM (VALUES (1)) people(id) JOIN sec_crm.secret secret ON true",
    ],
)  # fmt: skip
def test_nowhere_in_a_statement_is_a_hidden_table_read(place: Place, text: str) -> None:
    from pyspark.errors import PySparkException

    ann = place.secure("ann")
    for name in ("sec_crm.secret", "spark_catalog.sec_crm.secret"):
        with pytest.raises((AccessDeniedError, PySparkException)):
            ann.sql(text.replace("{secret}", name)).collect()
    ann.catalog.setCurrentDatabase("sec_crm")
    with pytest.raises((AccessDeniedError, PySparkException)):
        ann.sql(text.replace("{secret}", "secret")).collect()


def test_a_name_out_of_a_with_leads_nowhere_else(place: Place) -> None:
    ann = place.secure("ann")
    ann.catalog.setCurrentDatabase("sec_crm")
    text = "SELECT * FROM (WITH secret AS (SELECT 1 AS a) SELECT * FROM secret) x, secret"
    assert (
        place.spark.sql(text.replace("secret", "sec_crm.secret").replace("WITH sec_crm.secret", "WITH secret"))
        is not None
    )
    with pytest.raises(AccessDeniedError, match="no table of the session's"):
        ann.sql(text)


def test_hidden_columns_and_files_cannot_be_asked_for(place: Place) -> None:
    from pyspark.errors import AnalysisException

    ann = place.secure("ann")
    for condition in ("salary > 1", "_metadata.file_path IS NOT NULL"):
        with pytest.raises(AnalysisException):
            ann.table("sec_crm.people").filter(condition)
        with pytest.raises(AnalysisException):
            ann.sql(f"SELECT * FROM sec_crm.people WHERE {condition}")
    # A condition of the reader's own is asked of rows that the filter let through.
    assert rows(ann.sql("SELECT id FROM sec_crm.people WHERE assert_true(country = 'DE') IS NULL")) == [(1,), (3,)]


def test_files_streams_and_other_tables_are_not_there(place: Place, tmp_path: Path) -> None:
    ann = place.secure("ann")
    for ask in (
        lambda: ann.table("sec_crm.secret"),
        lambda: ann.table("nowhere"),
        lambda: ann.table(f"parquet.`{tmp_path}`"),
        lambda: ann.read.parquet(str(tmp_path)),
        lambda: ann.read.format("parquet").load(str(tmp_path)),
        lambda: ann.readStream,
        lambda: ann.catalog.createTable("x", str(tmp_path)),
        lambda: ann.catalog.setCurrentDatabase("sec_own"),
    ):
        with pytest.raises(AccessDeniedError):
            ask()


def test_names_lead_into_the_sessions_own_catalog_whatever_the_settings(place: Place) -> None:
    spark = place.spark.newSession()
    for name in ("sec_crm", "elsewhere"):
        catalog = f"spark.sql.catalog.{name}"
        spark.conf.set(catalog, "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog")
        spark.conf.set(f"{catalog}.url", "jdbc:derby:memory:hookline")
        spark.conf.set(f"{catalog}.driver", "org.apache.derby.iapi.jdbc.AutoloadedDriver")
    spark.conf.set("spark.sql.defaultCatalog", "elsewhere")
    ann = hookline.secure(spark, "ann", config=place.config)
    assert rows(ann.table("spark_catalog.sec_crm.people")) == DE
    # To Spark this is a table of the catalog sec_crm, and not one of the database.
    for name in ("sec_crm.people", "elsewhere.sec_crm.people"):
        with pytest.raises(AccessDeniedError):
            ann.table(name)
        with pytest.raises(AccessDeniedError):
            ann.sql(f"SELECT * FROM {name}")
    assert rows(ann.table("spark_catalog.sec_crm.select")) == [(1,), (2,), (3,)]
    ann.catalog.setCurrentDatabase("sec_crm")
    assert rows(ann.table("people")) == DE


def test_listings(place: Place) -> None:
    ann, loader = place.secure("ann"), place.secure("loader")
    ann.table("sec_crm.people")
    assert sorted(one.name for one in ann.catalog.listTables("sec_crm")) == ["people", "select"]
    assert "sec_own" not in [one.name for one in ann.catalog.listDatabases()]
    assert [one.name for one in ann.catalog.listColumns("sec_crm.people")] == ["id", "country", "email"]
    assert ann.catalog.tableExists("sec_crm.people")
    assert not ann.catalog.tableExists("secret", "sec_crm")
    assert loader.catalog.databaseExists("sec_own")
    assert [one.name for one in loader.catalog.listTables("sec_crm")] == ["people"]
    with pytest.raises(AccessDeniedError, match="loader may not read"):
        loader.table("sec_crm.people")


def test_writes(place: Place, tmp_path: Path) -> None:
    ann, loader = place.secure("ann"), place.secure("loader")
    mine = ann.table("sec_crm.people")
    for ask in (
        lambda: mine.write.insertInto("sec_crm.people"),
        lambda: mine.write.mode("append").saveAsTable("sec_crm.people"),
        lambda: mine.write.saveAsTable("sec_own.t"),
        lambda: mine.writeTo("sec_own.t").append(),
        lambda: mine.write.parquet(str(tmp_path / "p")),
        lambda: mine.write.format("parquet").save(str(tmp_path / "p")),
        lambda: mine.mergeInto("sec_crm.people", mine.id == mine.id),
    ):
        with pytest.raises(AccessDeniedError):
            ask()
    assert not (tmp_path / "p").exists()
    two = loader.createDataFrame([(1, "x"), (2, "y")], "id int, name string")
    two.write.saveAsTable("sec_own.t")
    two.write.mode("append").saveAsTable("sec_own.t")
    loader.sql("INSERT INTO sec_own.t SELECT id, name FROM sec_own.t WHERE id = 1")
    assert loader.table("sec_own.t").count() == 6
    two.write.insertInto("sec_own.t", overwrite=True)
    assert loader.table("sec_own.t").count() == 2
    two.write.mode("overwrite").saveAsTable("sec_own.t")
    for ask in (
        lambda: loader.sql("INSERT INTO sec_own.t SELECT id, country FROM sec_crm.people"),
        lambda: loader.sql("INSERT OVERWRITE sec_crm.people SELECT 1, 'DE', '', 1"),
        lambda: two.write.option("path", str(tmp_path / "q")).saveAsTable("sec_own.u"),
        lambda: two.write.saveAsTable("sec_own.u", path=str(tmp_path / "q")),
        lambda: two.write.saveAsTable(f"parquet.`{tmp_path / 'q'}`"),
        lambda: two.write.saveAsTable("sec_crm.fresh"),
        lambda: two.writeTo("sec_own.t").createOrReplace(),
    ):
        with pytest.raises(AccessDeniedError):
            ask()
    assert not (tmp_path / "q").exists()
    two.write.format("delta").saveAsTable("sec_own.kept")
    loader.sql("DELETE FROM sec_own.kept WHERE id = 1")
    loader.sql("INSERT INTO sec_own.kept TABLE sec_own.t")
    assert rows(loader.table("sec_own.kept")) == [(1, "x"), (2, "y"), (2, "y")]
    with pytest.raises(AccessDeniedError, match="have no queries here"):
        loader.sql("DELETE FROM sec_own.kept WHERE id IN (SELECT id FROM sec_own.t)")
    two.writeTo("sec_own.kept").append()
    two.writeTo("sec_own.fresh").using("delta").create()
    two.writeTo("sec_own.fresh").overwritePartitions()
    assert (loader.table("sec_own.kept").count(), rows(loader.table("sec_own.fresh"))) == (5, [(1, "x"), (2, "y")])
    with pytest.raises(AccessDeniedError, match="where their databases have them"):
        two.writeTo("sec_own.other").tableProperty("location", str(tmp_path / "q"))
    for table in ("t", "kept", "fresh"):
        place.spark.sql(f"DROP TABLE sec_own.{table}")


def test_the_log_tells_who_saw_what_and_quotes_no_constant(place: Place) -> None:
    ann = place.secure("ann", purpose="support")
    ann.table("sec_crm.people")
    assert [record.entry.action for record in place.log.records()] == [
        "audit.opened",
        "access.session",
        "access.allowed",
    ]
    (entry,) = place.told()
    assert entry.action == "access.allowed"
    assert entry.what["principal"] == "ann"
    assert entry.what["purpose"] == "support"
    assert entry.what["table"] == "sec_crm.people"
    (one,) = entry.what["decision"]["rectangles"]
    assert (one["rule"], one["columns"], one["masks"]) == ("crm.read", ["id", "country", "email"], {"email": "redact"})
    assert len(one["filter"]) == 16
    assert b"'DE'" not in place.log.path.read_bytes()


def test_without_an_answer_nothing_is_shown(place: Place) -> None:
    ann, eve = place.secure("ann"), place.secure("eve")
    with pytest.raises(ConfigError, match="'mallory' is nowhere declared"):
        place.secure("mallory")
    with pytest.raises(AccessDeniedError, match="secured already"):
        hookline.secure(ann, "loader", config=place.config)
    # Nobody ever looked for personal data in these tables: tags that go by it are nobody's.
    with pytest.raises(AccessDeniedError):
        eve.table("sec_crm.people")
    (place.folder / "state" / "store.db").write_bytes(b"no database")
    with pytest.raises(StoreError):
        eve.table("sec_crm.people")
    place.log.path.unlink(missing_ok=True)
    place.log.path.mkdir(parents=True)
    with pytest.raises((AuditError, StoreError)):
        ann.table("sec_crm.people")
    place.write({**POLICY, "rules": [{"name": "x"}]})
    with pytest.raises(ConfigError):
        place.secure("ann")


def test_what_a_scan_found_is_hidden_by_its_tag(place: Place) -> None:
    from hookline.core.store import Store
    from hookline.core.store.classifying import StoredClassification, StoredScan, keep_scan
    from hookline.pipelines import plans

    dataset = plans.of_catalog_table(place.spark, plans.catalog_table(place.spark, "sec_crm", "people"))
    found = (StoredClassification("email", "EMAIL_ADDRESS", 1.0, 1.0, False),)
    (place.folder / "state").mkdir()
    store = Store(place.config.store_url())
    with store.transaction() as connection:
        scan = StoredScan(dataset.namespace, dataset.name, "2026-01-01T00:00:00+00:00", None, "x", 3, 3, found)
        keep_scan(store, connection, scan.payload())
    store.close()
    assert place.secure("eve").table("sec_crm.people").columns == ["id", "country", "salary"]


def test_gates_see_what_a_secured_session_writes(place: Place) -> None:
    from hookline.core.config_models import PluginEntry
    from hookline.pipelines import watch
    from hookline.testing import RecordingPlugin

    loader = place.secure("loader")
    plugins = (PluginEntry("hookline.testing:RecordingPlugin"),)
    config = Config(state_dir=place.folder / "run", base_dir=place.folder, plugins=plugins)
    with hookline.attach(place.spark, config, job="load"):
        rows = loader.createDataFrame([(9, "FR", "x", 1)], "id int, country string, email string, salary int")
        rows.write.insertInto("sec_crm.people")
        loader.sql("INSERT INTO sec_crm.people VALUES (9, 'FR', 'x', 1)")
        with pytest.raises(AccessDeniedError):
            rows.write.insertInto("sec_crm.secret")
        watch.drain()
        seen = RecordingPlugin.last.seen("on_write_finished")
    assert [write.rows for write in seen] == [1, 1]
    assert loader.hookline_plain.table("sec_crm.people").count() == 5
    assert place.secure("ann").table("sec_crm.people").count() == 2
