"""A key for each subject whose values a write encrypts: looked up or made before the write, and carried by the rows themselves.

The keys are wrapped where they are carried, and only the Python workers that encrypt with them can unwrap them. Rows carry
them as data that is joined to them; no plan and no log has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from hookline.core.errors import ProtectionError
from hookline.core.events import utc_now
from hookline.governance.crypto.owned import carried, new_key, wrap
from hookline.governance.protection.policy import Encrypt
from hookline.governance.protection.values import wrapping_key

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from hookline.core.store import Store
    from hookline.governance.keys import Keyring
    from hookline.governance.protection.deeds import Deed, Keyed

_TOKEN, _ROWS, _CARRIER = "__hookline_owner", "__hookline_rows", "__hookline_key"
_AT_ONCE = 10_000
# Of more keys Spark decides itself how to join them; up to so many, the rows stay in the partitions that they are in.
_MOST_BROADCAST = 200_000
Tokens = Callable[[str, "Keyed"], "Column"]


@dataclass(frozen=True)
class Left:
    """Rows of subjects who were erased, in one write.

    Attributes:
        policy: the policy's name.
        subjects, rows: how many there were.
        done: what was done with them: ``drop`` or ``null``.
    """

    policy: str
    subjects: int
    rows: int
    done: str


class SubjectKeys(Protocol):
    """Whoever keeps the keys of subjects."""

    def carried(self, owner: Keyed, tokens: Sequence[str]) -> Mapping[str, str | None]:
        """By token what rows carry, made where there is none yet; None for a subject who was erased.

        Raises:
            StoreError: they can't be read or kept.
            KeyUnavailableError: what they are wrapped under can't be had.
        """


class StoredKeys:
    """The keys in the store.

    Args:
        store: gives the open store.
    """

    def __init__(self, store: Callable[[], Store], keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def carried(self, owner: Keyed, tokens: Sequence[str]) -> Mapping[str, str | None]:
        """See ``SubjectKeys``."""
        from hookline.core.store.subject_keys import add, find

        store, found = self._store(), dict[str, str | None]()
        for start in range(0, len(tokens), _AT_ONCE):
            some = tokens[start : start + _AT_ONCE]
            known = find(store, some)
            if len(known) < len(some):
                add(store, self._made(owner, [token for token in some if token not in known]))
                # Another process may have been first.
                known = find(store, some)
            for token, key in known.items():
                found[token] = None if key.wrapped is None else carried(key.key_id, key.key_version, key.wrapped)
        return found

    def _made(self, owner: Keyed, tokens: Iterable[str]) -> list[Any]:
        from hookline.core.store.subject_keys import SubjectKey

        now = utc_now().isoformat(timespec="microseconds")
        version = self._keyring.get(owner.key).version
        master = wrapping_key(owner, version)
        made = []
        for token in tokens:
            key_id, key = new_key()
            made.append(SubjectKey(token, key_id, wrap(master, key_id, key), owner.key, version, now))
        return made


def with_keys(
    frame: DataFrame, deeds: Sequence[Deed], tokens: Tokens, keeper: SubjectKeys | None, sensitive: bool
) -> tuple[DataFrame, tuple[Deed, ...], tuple[Left, ...]]:
    """The rows with the keys of their subjects, the deeds with the columns that carry them, and whose rows are left out.

    The subjects' column is read once more for it, before the write.

    Args:
        tokens: makes the tokens of a column's ids.

    Raises:
        ProtectionError: the rows are a stream's; the column is not there; nobody keeps keys; or somebody who was erased is
            among the subjects, and the rule refuses that.
        StoreError: the keys can't be read or kept.
    """
    if keeper is None:
        raise ProtectionError("a policy gives each subject a key of its own, and there is no store that keeps them")
    if frame.isStreaming:
        raise ProtectionError(
            "a policy gives each subject a key of its own, and who is in a stream is not known when it starts: write each batch "
            "by foreachBatch"
        )
    made: list[Deed] = []
    left: list[Left] = []
    pairs: dict[tuple[str, Keyed], list[Deed]] = {}
    for deed in deeds:
        if deed.owner is None or not isinstance(deed.rule, Encrypt):
            made.append(deed)
            continue
        _check_place(frame, deed)
        name = _column(frame, deed, sensitive)
        pairs.setdefault((name, deed.owner), []).append(deed)
    for place, ((name, owner), several) in enumerate(pairs.items()):
        carrier = f"{_CARRIER}_{place}"
        rules = [deed.rule for deed in several if isinstance(deed.rule, Encrypt)]
        frame, gone = _joined(frame, tokens(name, owner), owner, keeper, carrier, {rule.erased for rule in rules})
        if gone is not None:
            left.append(replace(gone, policy=several[0].policy))
        made += [replace(deed, carrier=carrier) for deed in several]
    return frame, tuple(made), tuple(left)


def _joined(
    frame: DataFrame, token: Column, owner: Keyed, keeper: SubjectKeys, carrier: str, erased: set[str]
) -> tuple[DataFrame, Left | None]:
    import pyarrow as pa
    from pyspark.sql import functions as F

    counted = frame.select(token.alias(_TOKEN)).groupBy(_TOKEN).agg(F.count(F.lit(1)).alias(_ROWS)).toArrow()
    who, how_many = (column.to_pylist() for column in counted.columns)
    rows: dict[str, int] = {one: count for one, count in zip(who, how_many, strict=True) if one is not None}
    keys = keeper.carried(owner, list(rows))
    gone = [one for one in rows if keys[one] is None]
    if gone and "refuse" in erased:
        raise ProtectionError(
            f"{len(gone)} of the subjects of this write were erased, and {sum(rows[one] for one in gone)} rows are theirs: "
            "the policy refuses that"
        )
    table = pa.table(
        {
            _TOKEN: pa.array(keys, pa.string()),
            # Rows of who was erased carry an empty text, rows without a subject nothing.
            carrier: pa.array([text or "" for text in keys.values()], pa.string()),
        }
    )
    carriers = frame.sparkSession.createDataFrame(table)
    if table.num_rows <= _MOST_BROADCAST:
        carriers = F.broadcast(carriers)
    joined = frame.withColumn(_TOKEN, token).join(carriers, _TOKEN, "left").drop(_TOKEN)
    done = "drop" if "drop" in erased else "null"
    if gone and done == "drop":
        joined = joined.where(F.col(carrier).isNull() | (F.col(carrier) != F.lit("")))
    count = sum(rows[one] for one in gone)
    return joined, Left("", len(gone), count, done) if gone else None


def _column(frame: DataFrame, deed: Deed, sensitive: bool) -> str:
    wanted = deed.rule.subject if isinstance(deed.rule, Encrypt) else None
    names = [
        name
        for name in frame.columns
        if name == wanted or (not sensitive and wanted is not None and name.lower() == wanted.lower())
    ]
    if len(names) != 1:
        raise ProtectionError(
            f"policy {deed.policy!r} encrypts {deed.column!r} under the keys of the subjects in {wanted!r}, a column that this "
            "write does not have"
        )
    return names[0]


def _check_place(frame: DataFrame, deed: Deed) -> None:
    """A column, or a field of structs: what is in an array or a map does not tell whose row it is in."""
    kind: Any = frame.schema
    for name in deed.names:
        if kind.typeName() != "struct":
            break
        kind = kind[name].dataType
    else:
        if kind.typeName() != "array":
            return
    raise ProtectionError(
        f"the column {deed.column!r} is in an array or a map, and can't be encrypted under its subject's key there: bring its "
        "values into columns or structs"
    )
