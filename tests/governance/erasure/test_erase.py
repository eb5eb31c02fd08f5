"""``hookline erase``: keys destroyed, rows taken out wherever lineage says they are, and the record of it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from tests.governance.erasure.conftest import ERASE, NAME, PEOPLE, Company

from hookline.core.store import subject_keys
from hookline.governance.audit import verify
from hookline.governance.erasure import parquet
from hookline.governance.keys import keyfile

pytestmark = pytest.mark.spark


def everything(company: Company) -> None:
    """Raw files, a protected table made from them, and several datasets made of that."""
    spark = company.spark
    spark.sql(PEOPLE).repartition(4, "id").write.partitionBy("part").parquet(company.path("raw/people"))
    raw = company.read("raw/people")
    raw.select("id", "name", "part").write.format("delta").partitionBy("part").save(company.path("silver/people"))
    silver = spark.read.format("delta").load(company.path("silver/people"))
    silver.selectExpr("id AS customer", "part").coalesce(1).write.parquet(company.path("gold/parts"))
    parts = spark.read.parquet(company.path("gold/parts"))
    parts.selectExpr("CAST(customer AS string) AS who").coalesce(1).write.parquet(company.path("gold/texts"))
    silver.groupBy("part").count().write.parquet(company.path("gold/counts"))
    raw.select("id", "mail").coalesce(1).write.option("header", True).csv(company.path("out/mails"))


def simple(company: Company) -> None:
    company.spark.sql(PEOPLE).select("id", "name").coalesce(1).write.parquet(company.path("silver/people"))


def test_rows_go_wherever_lineage_says_they_are(company: Company) -> None:
    company.policy(erase=ERASE)
    company.run(everything)
    before = {name: company.read(name).count() for name in ("raw/people", "gold/parts", "gold/texts", "gold/counts")}
    files = {path: path.stat().st_ino for path in (company.folder / "lake" / "raw").rglob("*.parquet")}
    planned = company.document("erase", "--subject", "7", "--dry-run", code=3)
    assert company.statuses(planned) == {
        "gold/parts": ("planned", 1),
        "gold/texts": ("planned", 1),
        "out/mails": ("by hand", 0),
        "raw/people": ("planned", 1),
        "silver/people": ("planned", 1),
    }
    assert company.read("silver/people", "delta").count() == 12
    done = company.erase("7", code=3)
    assert company.statuses(done) == {
        name: ("erased", rows) if status == "planned" else (status, rows)
        for name, (status, rows) in company.statuses(planned).items()
    }
    assert (done["keys_destroyed"], done["store_clean"], done["complete"]) == (1, True, False)
    for name, count in before.items():
        assert company.read(name).count() == count - (name != "gold/counts"), name
    ids = sorted(row.id for row in company.read("silver/people", "delta").collect())
    assert ids == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]
    changed = [path for path, inode in files.items() if not path.exists() or path.stat().st_ino != inode]
    assert len(changed) == 1, "only the file that held the subject is another one"
    assert "part=1" in str(changed[0])
    (delta,) = [one for one in done["datasets"] if one["kind"] == "delta"]
    assert (delta["files"], delta["partitions"], delta["version"]) == (1, 1, 1)
    assert delta["vacuum_due"] < delta["log_due"]
    again = company.erase("7", code=3)
    assert again["keys_destroyed"] == 0
    by_status = {status for status, _ in company.statuses(again).values()}
    assert by_status == {"nothing", "unsure", "by hand"}
    (delta_again,) = [one for one in again["datasets"] if one["kind"] == "delta"]
    assert delta_again["vacuum_due"] == delta["vacuum_due"], "who was killed before telling it, tells it then"
    assert company.statuses(again)["gold/texts"] == ("unsure", 0)


@pytest.mark.parametrize("how", ["delete", "nullify"])
@pytest.mark.parametrize("vectors", ["true", "false"])
def test_a_row_leaves_a_delta_file_that_has_others(company: Company, how: str, vectors: str) -> None:
    """One file with all rows, several of them the subject's, ids of several types and in a struct."""
    place = company.path("silver/people")
    for column, kind in (
        ("id", "int"),
        ("id", "decimal(9,2)"),
        ("id", "double"),
        ("id", "string"),
        ("who.`the-id`", "string"),
    ):
        erase = {"subject": column.replace("`", ""), "entity": "CUSTOMER_ID", "how": how, "columns": ["mail", "s.x"]}
        company.policy(erase=erase, rules=[{"columns": ["none"], "action": "drop", "missing": "allow"}])
        plain = f"CAST(id % 6 AS {kind})"
        whose = f"{plain} AS id" if column == "id" else f"named_struct('the-id', {plain}) AS who"
        rows = f"SELECT {whose}, id AS n, 'm' || id AS mail, named_struct('x', id, 'y', id) AS s FROM range(12)"

        def job(company: Company, rows: str = rows) -> None:
            writer = company.spark.sql(rows).coalesce(1).write.format("delta").mode("overwrite")
            writer.option("overwriteSchema", "true").option("delta.enableDeletionVectors", vectors).save(place)

        company.run(job)
        assert company.statuses(company.erase("4")) == {"silver/people": ("erased", 2)}, kind
        found = company.read("silver/people", "delta").orderBy("n").collect()
        if how == "delete":
            assert [row.n for row in found] == [0, 1, 2, 3, 5, 6, 7, 8, 9, 11], kind
        else:
            assert [row.n for row in found if row.mail is None and row.s.x is None] == [4, 10], kind
            assert [row.s.y for row in found] == list(range(12))
            assert sum(row.mail is None for row in found) == 2


def test_what_is_said_to_be_done_is_looked_at(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    company.policy(erase=ERASE)
    company.run(simple)

    monkeypatch.setattr(parquet, "take_out", lambda *_: parquet.Found(1, 1, 0))
    done = company.erase("7", code=3)
    assert company.statuses(done) == {"silver/people": ("failed", 0)}
    assert "1 rows are still there" in done["datasets"][0]["problem"]
    assert company.records("erase.finished")[-1]["complete"] is False


def test_the_record_tells_everything_but_whose_it_was(company: Company) -> None:
    company.policy(erase=ERASE)

    def job(company: Company) -> None:
        rows = [("zebedee-canary", "Zebedee Quux"), ("other", "Other")]
        frame = company.spark.createDataFrame(rows, "id string, name string")
        frame.coalesce(1).write.format("delta").save(company.path("silver/people"))

    company.run(job)
    done = company.erase("zebedee-canary", "--reason", "ticket 7")
    entries = [one.entry for one in company.log.records()][-5:]
    actions = ["erase.begun", "erase.keys", "erase.dataset_begun", "erase.dataset", "erase.finished"]
    assert [entry.action for entry in entries] == actions
    begun, keys, at, erased, finished = (entry.what for entry in entries)
    assert begun["reason"] == "ticket 7"
    assert begun["datasets"] == [company.path("silver/people")]
    assert all(token.startswith("t1.") for token in begun["subjects"])
    assert keys["destroyed"] == 1
    assert at["dataset"] == company.path("silver/people")
    assert (erased["rows"], erased["files"], erased["version"], erased["status"]) == (1, 1, 1, "erased")
    assert erased["vacuum_due"] == done["datasets"][0]["vacuum_due"]
    assert finished["complete"] is True
    assert verify(company.log.path, [company.log.signing_key.with_suffix(".pub")]).findings == ()
    assert company.clear("Zebedee Quux") == []
    # Old files, and the statistics in the log of the version that had them, are what the retention is about.
    left = company.clear("zebedee-canary")
    assert left
    assert all(one.startswith("lake/silver/people") for one in left)
    assert not any(one.endswith("00001.json") for one in left), "the deletion itself tells nothing"


def test_who_was_erased_stays_away(company: Company) -> None:
    company.policy(erase=ERASE)
    company.run(simple)
    company.erase("7")

    def again(company: Company) -> None:
        rows = company.spark.sql(PEOPLE).select("id", "name")
        rows.write.mode("append").parquet(company.path("silver/people"))

    company.run(again)
    assert company.read("silver/people").where("id = 7").count() == 0
    assert company.read("silver/people").count() == 22
    assert company.records("protect.write")[-1]["subjects_erased"][0]["rows"] == 1


def test_nullify_leaves_the_rows(company: Company) -> None:
    rules = [NAME, {"columns": ["mail"], "action": "tokenize"}]
    company.policy(erase={**ERASE, "how": "nullify"}, rules=rules)

    def job(company: Company) -> None:
        company.spark.sql(PEOPLE).write.format("delta").save(company.path("silver/people"))
        silver = company.spark.read.format("delta").load(company.path("silver/people"))
        made = silver.selectExpr("id AS customer", "mail AS address", "part")
        made.coalesce(1).write.parquet(company.path("gold/mails"))
        silver.selectExpr("mail AS lonely").write.parquet(company.path("gold/lonely"))

    company.run(job)
    done = company.erase("7", code=3)
    assert company.statuses(done) == {
        "gold/lonely": ("by hand", 0),
        "gold/mails": ("erased", 1),
        "silver/people": ("erased", 1),
    }
    (lonely,) = [one for one in done["datasets"] if one["status"] == "by hand"]
    assert "no column says whose they are" in lonely["problem"]
    (row,) = company.read("silver/people", "delta").where("id = 7").collect()
    assert (row.name, row.mail, row.part, row.code) == (None, None, 1, "c7")
    (row,) = company.read("gold/mails").where("customer = 7").collect()
    assert (row.address, row.part) == (None, 1)
    assert company.read("gold/mails").where("address IS NULL").count() == 1
    assert company.statuses(company.erase("7", code=3))["silver/people"] == ("nothing", 0)


def test_ids_are_found_in_the_form_that_a_policy_gave_them(company: Company) -> None:
    company.policy(erase=ERASE, rules=[{"columns": ["id"], "entity": "CUSTOMER_ID", "action": "tokenize"}])

    def write(company: Company) -> None:
        frame = company.spark.sql("SELECT 'A' || id AS id FROM range(12)")
        frame.coalesce(1).write.mode("append").parquet(company.path("silver/people"))

    company.run(write)
    keyfile.add_version(company.folder / "keys.json", "default", new=False)
    company.run(write)
    assert company.statuses(company.erase("  A7 ")) == {"silver/people": ("erased", 2)}
    assert company.read("silver/people").count() == 22


def test_what_leaves_no_id_is_left_to_people(company: Company) -> None:
    company.policy(erase=ERASE, rules=[{"columns": ["id"], "action": "mask"}])
    company.run(lambda company: company.spark.sql("SELECT 'A1' AS id").write.parquet(company.path("silver/people")))
    done = company.erase("A1", code=3)
    assert "leaves no id in 'id' (mask)" in done["datasets"][0]["problem"]


def test_nobody_knows_the_columns(company: Company) -> None:
    company.policy(erase=ERASE)

    def job(company: Company) -> None:
        company.spark.sql(PEOPLE).select("id", "name").write.format("delta").save(company.path("silver/people"))
        silver = company.spark.read.format("delta").load(company.path("silver/people"))
        silver.select("id").rdd.map(lambda row: str(row[0])).saveAsTextFile(company.path("gold/opaque"))

    company.run(job)
    done = company.erase("7", code=3)
    assert company.statuses(done)["silver/people"] == ("erased", 1)
    assert company.statuses(done)["gold/opaque"] == ("by hand", 0)
    assert any("nobody knows" in str(one["problem"]) for one in done["datasets"])


@pytest.mark.parametrize("how", ["withdraw", "delete", "keep"])
def test_consents(company: Company, how: str) -> None:
    company.policy(erase=ERASE, consent={"subject": "id", "purpose": "newsletter"})
    file = str(company.folder / "policies" / "people.yaml")
    for subject in ("7", "8"):
        assert company.hookline("consent", "grant", "--policy", file, "--subject", subject)[0] == 0

    def kinds(subject: str) -> list[str]:
        out = company.hookline("consent", "show", "--policy", file, "--subject", subject, "--json")[1]
        return [one["kind"] for one in json.loads(out)["entries"]]

    company.run(simple)
    assert company.read("silver/people").count() == 2
    done = company.erase("7", "--consents", how)
    assert company.statuses(done) == {"silver/people": ("erased", 1)}
    assert kinds("7") == {"withdraw": ["granted", "withdrawn"], "delete": [], "keep": ["granted"]}[how]
    assert kinds("8") == ["granted"]
    assert done["consents"] == (how != "keep")
    assert company.erase("7", "--consents", how)["consents"] == 0


def test_rows_that_were_set_aside(company: Company) -> None:
    company.policy(erase=ERASE)
    suite = "dataset: '*'\nchecks:\n  - range: {column: id, max: 9}\n    severity: critical\n"
    (company.folder / "suite.yaml").write_text(suite)
    config = company.folder / "hookline.yaml"
    config.write_text(config.read_text() + "  quality: {suites: [suite.yaml], breaker: quarantine}\n")
    company.run(simple)
    assert Path(company.path("silver/people_quarantine")).exists()
    done = company.erase("11")
    assert company.statuses(done) == {"silver/people": ("nothing", 0), "silver/people_quarantine": ("erased", 1)}


@pytest.mark.parametrize(
    ("arguments", "code", "wanted"),
    [
        ((), 1, "one of --subject, --expired and --vacuum"),
        (("--subject", "7", "--expired"), 1, "one of --subject, --expired and --vacuum"),
        (("--subject", ""), 1, "the id of the subject is empty"),
        (("--subject", " \n"), 1, "the id of the subject is empty"),
        (("--subject", "\u2003"), 1, "the id of the subject is empty"),
        (("--subject", "7"), 1, "nothing is erased without --yes"),
        (("--subject", "7", "--entity", "OTHER"), 1, "no policy is about 'OTHER'; they are about CUSTOMER_ID"),
        (("--subject", "7", "--tenant", "other"), 1, "no policy of the tenant 'other'"),
        (("--subject", "7", "--policy", "none.yaml"), 4, "none.yaml"),
        (("--subject-file", "none"), 1, "the subject's id can't be read"),
    ],
)
def test_what_is_not_done(company: Company, arguments: tuple[str, ...], code: int, wanted: str) -> None:
    company.policy(erase=ERASE)
    found, out, err = company.hookline("erase", *arguments)
    assert (found, out) == (code, "")
    assert wanted in err
    assert company.records("erase.begun") == []


def test_several_entities_and_tenants(company: Company) -> None:
    company.policy("one", erase=ERASE)
    plain = [{"columns": ["x"], "action": "drop"}]
    company.policy("two", erase={"subject": "id", "entity": "SUPPLIER_ID"}, rules=plain)
    wanted = "must be said with --entity: CUSTOMER_ID, SUPPLIER_ID"
    assert wanted in company.hookline("erase", "--subject", "7", "--yes")[2]
    company.policy("two", erase=ERASE, tenant="other")
    wanted = "of several tenants: say one with --tenant: default, other"
    assert wanted in company.hookline("erase", "--subject", "7", "--yes")[2]
    company.policy("one", rules=plain)
    company.policy("two", rules=plain)
    assert "no policy says whose rows there are" in company.hookline("erase", "--subject", "7", "--yes")[2]


def test_no_dataset_is_known(company: Company) -> None:
    company.policy(erase=ERASE)
    done = company.erase("7", code=3)
    assert done["datasets"] == []
    assert "no dataset is known that it is for (*/silver/*)" in done["notes"][0]


def test_the_id_comes_from_standard_input_or_a_file(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    company.policy(erase=ERASE)
    company.run(simple)
    monkeypatch.setattr("sys.stdin", io.StringIO("7\n"))
    assert company.statuses(company.erase("-")) == {"silver/people": ("erased", 1)}
    (company.folder / "id").write_text("8\r\n")
    code, out, err = company.hookline("erase", "--subject-file", "id", "--yes", "--json", "report.json")
    assert (code, err) == (0, "")
    assert "silver/people" in out
    assert company.statuses(json.loads((company.folder / "report.json").read_text())) == {
        "silver/people": ("erased", 1)
    }


NASTY = [
    "'; DROP TABLE x; --",
    '"',
    "`",
    "\\",
    "%41",
    "a\nb",
    "ünïcödé ☃",
    "\U0001f9d1\u200d\U0001f680",
    "x" * 1_000_000,
    "-1",
    "NULL",
    "a/b=c",
]


def test_nasty_ids(company: Company) -> None:
    company.policy(erase=ERASE, rules=[{"columns": ["none"], "action": "drop", "missing": "allow"}])

    def job(company: Company) -> None:
        frame = company.spark.createDataFrame([(id,) for id in NASTY], "id string")
        frame.coalesce(1).write.parquet(company.path("silver/people"))

    company.run(job)
    for number, id in enumerate(NASTY, 1):
        (company.folder / "id").write_text(id)
        done = company.document("erase", "--subject-file", "id", "--yes")
        assert [one["rows"] for one in done["datasets"]] == [1], id[:20]
        assert company.read("silver/people").count() == len(NASTY) - number


def test_without_a_store_or_a_log_nothing_begins(company: Company) -> None:
    company.policy(erase=ERASE)
    company.run(simple)
    log = company.log.path
    moved = log.rename(log.with_name("away"))
    log.mkdir()
    code, out, err = company.hookline("erase", "--subject", "7", "--yes")
    assert (code, out) == (1, "")
    assert "the audit log" in err
    log.rmdir()
    moved.rename(log)
    store = company.store()
    with store.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE hookline_subject_keys RENAME TO away")
    code, out, err = company.hookline("erase", "--subject", "7", "--yes")
    assert (code, out) == (1, "")
    assert "the store" in err
    assert company.read("silver/people").count() == 12
    with store.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO hookline_subject_keys")
    assert company.statuses(company.erase("7")) == {"silver/people": ("erased", 1)}
    assert len(subject_keys.wrapped_under(store, "default")) == 11
    store.close()


def test_deletion_vectors_leave_nothing_behind(company: Company) -> None:
    company.policy(erase=ERASE)
    place = company.path("silver/people")

    def job(company: Company) -> None:
        frame = company.spark.sql(PEOPLE).select("id", "code")
        frame.coalesce(1).write.format("delta").option("delta.enableDeletionVectors", "true").save(place)
        # A vector hides the row, and the file still has it.
        company.spark.sql(f"DELETE FROM delta.`{place}` WHERE id = 7")

    company.run(job)
    company.erase("7")
    company.erase("8")
    live: set[str] = set()
    for log in sorted((Path(place) / "_delta_log").glob("*.json")):
        actions = [json.loads(line) for line in log.read_text().splitlines()]
        live -= {action["remove"]["path"] for action in actions if "remove" in action}
        live |= {action["add"]["path"] for action in actions if "add" in action}
    from pyarrow import parquet as arrow

    rows = [row for name in live for row in arrow.ParquetFile(Path(place) / name).read().to_pylist()]
    assert sorted(row["id"] for row in rows) == [0, 1, 2, 3, 4, 5, 6, 9, 10, 11]


def test_vacuum_when_it_is_due(company: Company) -> None:
    company.policy(erase=ERASE)

    def job(company: Company) -> None:
        frame = company.spark.sql(PEOPLE).select("id", "code").coalesce(1)
        soon = frame.write.format("delta").option("delta.deletedFileRetentionDuration", "interval 0 seconds")
        soon.save(company.path("silver/soon"))
        frame.write.format("delta").save(company.path("silver/later"))

    company.run(job)
    company.erase("7")
    planned = company.document("erase", "--vacuum", "--dry-run")["tables"]
    assert {Path(one["name"]).name: one["state"] for one in planned} == {"soon": "due", "later": "waits"}
    conf = "spark.databricks.delta.retentionDurationCheck.enabled"
    company.spark.conf.set(conf, "false")
    try:
        done = company.document("erase", "--vacuum")["tables"]
    finally:
        company.spark.conf.unset(conf)
    assert {Path(one["name"]).name: one["state"] for one in done} == {"soon": "vacuumed", "later": "waits"}
    assert len(list(Path(company.path("silver/soon")).glob("*.parquet"))) == 1
    assert [Path(one["name"]).name for one in company.document("erase", "--vacuum")["tables"]] == ["later"]
    assert len(company.records("erase.vacuumed")) == 1
