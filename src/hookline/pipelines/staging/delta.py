"""Delta tables: the job's own transaction is held before its commit. All that touches Delta's internal API is here.

Delta tells an observer of its thread when a transaction prepares its commit. By then the new files are written, and no reader
knows of them. The observer has them judged there; when it raises, the transaction is given up. What kind of write it is (an
overwrite of some partitions, a schema change, a MERGE) stays Delta's own business.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from hookline.core.errors import PublishError
from hookline.pipelines import plans
from hookline.pipelines.staging.delta_dividing import divide
from hookline.pipelines.staging.files import Files
from hookline.pipelines.staging.journal import Proof
from hookline.pipelines.staging.splitting import split
from hookline.pipelines.storage import local_path
from hookline.pipelines.targets import DeltaTarget, Put, Written, delta_log, is_new
from hookline.pipelines.wording import describe

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from hookline.core.fuse import Sieve, WrittenFile

logger = logging.getLogger(__name__)
# The versions whose observer this was tried with.
SUPPORTED = ("4.4.",)
_CLOCKS_DIFFER_MS = 10_000


def why_not_delta(spark: SparkSession) -> str | None:
    """Why commits can't be held; None when they can."""
    from py4j.clientserver import ClientServer

    if not isinstance(spark._sc._gateway, ClientServer):
        return "Python's threads share the JVM's (PYSPARK_PIN_THREAD is false)"
    if spark._sc._gateway.__dict__.get("_callback_server") is None:
        return "Spark can't call Python here"
    try:
        version = str(getattr(plans.jvm(spark).io.delta, "package").VERSION())  # noqa: B009 - the name of a class
    except Exception:  # noqa: BLE001 - py4j raises a TypeError for a package that isn't there
        return "Delta does not tell its version"
    return (
        None if version.startswith(SUPPORTED) else f"staging knows Delta {', '.join(SUPPORTED)}x, and this is {version}"
    )


class DeltaStage:
    """One write to a Delta table.

    Args:
        write: the job's own call; gets the frame when it was changed, else None.
    """

    # A write that changes nothing commits nothing.
    always_judges = False
    version: str | None = None

    def __init__(self, spark: SparkSession, target: DeltaTarget, write: Callable[[DataFrame | None], Any]) -> None:
        self._spark = spark
        self._target = target
        self._write = write

    def run(
        self,
        execute: Callable[[Callable[[], Any]], Any],
        judge: Callable[[Written], None],
        frame: DataFrame | None,
        schema: Callable[[], StructType],
    ) -> Any:
        """Let the job write, judge before the commit."""
        files = Files(self._spark, self._target.uri)
        missing = files.missing(self._log_uri)
        gate = _Gate(self._spark, self._target, judge)
        observers = plans.jvm(self._spark).org.apache.spark.sql.delta.TransactionExecutionObserver
        before = observers.getObserver()
        observers.setObserver(gate)
        try:
            answer = execute(lambda: self._write(frame))
            self.version = self._committed(gate.read_version)
            self._clean(files, gate.replaced, ())
            return answer
        except Exception:
            failure = gate.failure
            # A commit that fails leaves what was written again for VACUUM, as Delta itself does.
            self._clean(files, gate.added if gate.refused else gate.replaced, missing if gate.refused else ())
            if failure is not None:
                raise failure from None
            raise
        finally:
            observers.setObserver(before)
            gate.close()

    def _committed(self, read_version: int | None) -> str | None:
        """The version of the commit: the one after what the transaction read, when nobody else has committed since."""
        if read_version is None:
            return None
        try:
            latest = int(delta_log(self._spark, self._target.uri).unsafeVolatileSnapshot().version())
        except Exception as error:  # noqa: BLE001 - the data is published
            logger.debug("the version of %s was not found: %s", self._target.dataset, describe(error))
            return None
        return str(latest) if latest == read_version + 1 else None

    @property
    def _log_uri(self) -> str:
        return f"{self._target.uri.rstrip('/')}/_delta_log"

    def _clean(self, files: Files, added: list[str], missing: tuple[str, ...]) -> None:
        """Delete what nobody will refer to. What can't be deleted is what VACUUM is for."""
        try:
            root = (local_path(self._target.uri) or self._target.uri).rstrip("/")
            for path in added:
                files.delete(path)
            for folder in sorted(_folders(added, root), key=len, reverse=True):
                files.delete_if_empty(folder)
            if self._log_uri in missing and not any(name.endswith(".json") for name in files.below(self._log_uri)):
                files.delete(self._log_uri)
                for folder in reversed(missing[:-1]):
                    files.delete_if_empty(folder)
        except Exception as error:  # noqa: BLE001 - the refusal is what the job should see
            logger.warning("refused files of %s could not be deleted: %s", self._target.dataset, describe(error))


class _GivenUp(Exception):
    """What Java gets to see in place of the reason, which may quote data."""


class _Gate:
    """Delta's TransactionExecutionObserver, implemented over py4j; called by the thread that writes.

    Attributes:
        open: nothing is asked any more. Threads of Delta that began meanwhile may keep this observer.
        refused: the judge raised.
        failure: what ended the transaction in here: the judge's reason, or Delta's own error.
        added: the files that the transaction wrote, as absolute URIs or paths.
        read_version: the version that the judged transaction started from; -1 when there was no table.
        replaced: those of them that others took the place of, so that nothing refers to them.
    """

    def __init__(self, spark: SparkSession, target: DeltaTarget, judge: Callable[[Written], None]) -> None:
        self.open = False
        self.refused = False
        self._judged = False
        self._began_ms = time.time() * 1000
        self.failure: BaseException | None = None
        self.added: list[str] = []
        self.read_version: int | None = None
        self.replaced: list[str] = []
        self._actions: Any = None
        self._spark = spark
        self._target = target
        self._judge: Callable[[Written], None] | None = judge
        self._transaction: Any = None

    def close(self) -> None:
        """Ask no more. The JVM lets go of this when it likes: what hangs on it shall not wait for that."""
        self.open = True
        self._judge = self._transaction = self._actions = self.failure = None

    def createChild(self) -> _Gate:
        return self

    def startingTransaction(self, begin: Any) -> Any:
        transaction = self._pass_on(begin)
        if not self.open and self._is_ours(transaction):
            self._transaction = transaction
        return transaction

    def preparingCommit(self, prepare: Any) -> Any:
        actions = self._pass_on(prepare)
        if not self.open and self._transaction is not None and actions is not None:
            self._actions = actions
            try:
                self._ask(actions)
                return self._actions
            except BaseException as error:  # noqa: BLE001 - it is raised again where the job waits
                self.refused = True
                self.failure = error
                raise _GivenUp from None
        return actions

    def _pass_on(self, function: Any) -> Any:
        try:
            return function.apply()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the job waits
            self.failure = error
            raise _GivenUp from None

    def _is_ours(self, transaction: Any) -> bool:
        """A table's own upkeep after the commit, or another table, is nobody's write."""
        return str(transaction.deltaLog().dataPath().toString()).rstrip("/") == self._target.uri.rstrip("/")

    def _ask(self, java_actions: Any) -> None:
        judge = self._judge
        actions = self._facts(java_actions)
        changes = [action for one in actions for kind, action in one.items() if kind != "cdc"]
        # After the commit Delta may compact the table by itself: the same rows in other files.
        if judge is None or not changes or (self._judged and not any(one["dataChange"] for one in changes)):
            return
        self._judged = True
        transaction, self._transaction = self._transaction, None
        self.read_version = int(transaction.readVersion())
        self.added = [self._target.place_of(path) for path in self._own(actions)]
        written = self._written(transaction, actions)
        split_them = partial(self._split, transaction, actions, written.files)
        judge(dataclasses.replace(written, split=split_them))

    def _written(self, transaction: Any, actions: list[dict[str, Any]]) -> Written:
        """What the actions that are to be committed write."""
        java_actions = self._actions
        added = [action["add"] for action in actions if "add" in action and is_new(action["add"])]
        written = self._target.written_files(
            added,
            transaction.metadata(),
            read_back=lambda: self._read(transaction, _new_files(java_actions)),
        )
        version = int(transaction.snapshot().version())
        proof = Proof("delta", self._target.uri, added[0]["path"], version) if added else None
        return dataclasses.replace(written, proof=proof)

    def _split(
        self,
        transaction: Any,
        actions: list[dict[str, Any]],
        files: tuple[WrittenFile, ...] | None,
        sieve: Sieve,
        put: Put,
    ) -> Written:
        """Have the good rows of files with bad ones written again by the same transaction."""
        reason = _why_not_split(actions)
        if reason is not None:
            raise PublishError(f"rows of {self._target.dataset} can't be set aside: {reason}")
        adds = {self._target.place_of(str(add.path())): add for add in _new_files(self._actions)}
        schema = str(transaction.metadata().schemaString())
        divided = divide(self._spark, sieve, files, schema, adds, put.receipt())
        if divided is None:
            self._split_by_spark(transaction, adds, sieve, put)
        else:
            put.took(divided.bad)
            others = [
                action for action in plans.sequence(self._actions) if not _adds(action, self._target, divided.adds)
            ]
            self._become([*others, *(add for add in divided.adds.values() if add is not None)])
        facts = self._facts(self._actions)
        self.added = list(dict.fromkeys([*self.added, *(self._target.place_of(path) for path in self._own(facts))]))
        _correct_metrics(transaction, facts)
        return self._written(transaction, facts)

    def _split_by_spark(self, transaction: Any, adds: Mapping[str, Any], sieve: Sieve, put: Put) -> None:
        def read(paths: frozenset[str] | None) -> DataFrame:
            return self._read(transaction, [add for path, add in adds.items() if paths is None or path in paths])

        def rewrite(good: DataFrame, suspects: frozenset[str]) -> None:
            fresh = list(plans.sequence(transaction.writeFiles(good._jdf)))
            rest = [action for action in plans.sequence(self._actions) if not _adds(action, self._target, suspects)]
            self._become([*rest, *fresh])
            self.replaced = sorted(suspects)

        split(read, sieve, put, rewrite)

    def _become(self, actions: list[Any]) -> None:
        self._actions = plans.jvm(self._spark).PythonUtils.toSeq(actions)

    def _facts(self, java_actions: Any) -> list[dict[str, Any]]:
        """The file actions as the log will have them, in one call: an overwrite may remove many thousands."""
        mapper = plans.jvm(self._spark).org.apache.spark.sql.delta.util.JsonUtils.mapper()
        plain = json.loads(str(mapper.writeValueAsString(java_actions)))
        return [{kind: action} for action in plain if (kind := _kind_of(action)) is not None]

    def _own(self, actions: list[dict[str, Any]]) -> Iterator[str]:
        """The files that this transaction wrote and no version of the table has: relative, and not taken over from it."""
        removed = {action["remove"]["path"] for action in actions if "remove" in action}
        for action in actions:
            if "cdc" in action:
                yield action["cdc"]["path"]
            elif "add" in action and is_new(add := action["add"]):
                young = add.get("modificationTime", 0) > self._began_ms - _CLOCKS_DIFFER_MS
                if young and add["path"] not in removed and "://" not in add["path"] and add["path"][0] != "/":
                    yield add["path"]

    def _read(self, transaction: Any, adds: list[Any]) -> DataFrame:
        """Through Delta itself, under the schema that the commit will give the table."""
        from pyspark.sql import DataFrame

        java = plans.jvm(self._spark)
        log = transaction.deltaLog()
        nothing = java.scala.Option.empty()
        snapshot = java.org.apache.spark.sql.delta.DummySnapshot(
            log.logPath(), log, transaction.metadata(), nothing, java.scala.Option.apply(transaction.protocol())
        )
        frame = log.createDataFrame(snapshot, java.PythonUtils.toSeq(adds), False, nothing)
        return DataFrame(frame, self._spark)

    def beginDoCommit(self) -> None: ...

    def beginBackfill(self) -> None: ...

    def beginPostCommit(self) -> None: ...

    def transactionCommitted(self) -> None: ...

    def transactionAborted(self) -> None: ...

    def advanceToNextThreadObserver(self) -> None: ...

    class Java:
        """What py4j asks for."""

        implements = ("org.apache.spark.sql.delta.TransactionExecutionObserver",)


def _kind_of(action: dict[str, Any]) -> str | None:
    """The name that the log wraps a file action in; None for any other action."""
    if "path" not in action:
        return None
    return "add" if "modificationTime" in action else "remove" if "deletionTimestamp" in action else "cdc"


def _new_files(java_actions: Any) -> list[Any]:
    adds = (action for action in plans.sequence(java_actions) if plans.simple_class(action) == "AddFile")
    return [add for add in adds if add.deletionVector() is None]


def _adds(action: Any, target: DeltaTarget, paths: Collection[str]) -> bool:
    return plans.simple_class(action) == "AddFile" and target.place_of(str(action.path())) in paths


def _why_not_split(actions: list[dict[str, Any]]) -> str | None:
    """What of a commit hangs on the very files that were written."""
    if any("cdc" in action for action in actions):
        return "the table records changes row by row"
    if any(action["add"].get("baseRowId") is not None for action in actions if "add" in action):
        return "the table numbers its rows (row tracking)"
    return None


def _correct_metrics(transaction: Any, actions: list[dict[str, Any]]) -> None:
    """What the table's history says of the write is what is committed, not what was written last."""
    added = [action["add"] for action in actions if "add" in action and is_new(action["add"])]
    rows: list[Any] = [json.loads(add["stats"]).get("numRecords") if add.get("stats") else None for add in added]
    numbers = {
        "numFiles": len(added),
        "numOutputBytes": sum(int(add["size"]) for add in added),
        "numOutputRows": None if None in rows else sum(rows),
    }
    for name, number in numbers.items():
        metric = plans.option(transaction.getMetric(name))
        if metric is not None and number is not None:
            metric.set(number)


def _folders(paths: list[str], root: str) -> set[str]:
    """The partition folders of files, below the table's own."""
    found = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while len(folder) > len(root):
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


def _is_not_ours(record: logging.LogRecord) -> bool:
    return not (record.exc_info and record.exc_info[0] is _GivenUp)


# py4j logs every exception that leaves Python, at a level that reaches the job's own output.
logging.getLogger("py4j.clientserver").addFilter(_is_not_ours)
