"""Landing files: complete, the same whenever they are made, and never changed."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from hookline.pipelines.retail.faults import read_manifest
from hookline.pipelines.retail.landing import Landing
from hookline.pipelines.retail.schemas import LANDED
from hookline.pipelines.retail.source import SourceError


def files(root: Path) -> dict[str, bytes]:
    """All files of a platform's folder, apart from the cache."""
    found = (file for folder in ("landing", "faults") for file in (root / folder).rglob("*") if file.is_file())
    return {str(file.relative_to(root)): file.read_bytes() for file in found}


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("landing")
    assert len(Landing(root, fraction=0.03).land(5)) == 5
    return root


def test_more_days_later_give_the_same_files(at_once: Path, tmp_path: Path) -> None:
    landing = Landing(tmp_path, fraction=0.03)
    assert len(landing.land(2)) == 2
    before = files(tmp_path)
    assert len(landing.land(5)) == 3
    assert files(tmp_path) == files(at_once)
    assert before.items() <= files(tmp_path).items()
    assert landing.land(5) == []


def test_every_dataset_lands_with_its_columns(at_once: Path) -> None:
    for dataset, columns in LANDED.items():
        landed = sorted((at_once / "landing" / dataset).glob("landed_on=*/*.csv"))
        # So few households redeem no coupon in so few days: a folder without files.
        assert bool(landed) == (dataset != "coupon_redemptions"), dataset
        for file in landed:
            with file.open(newline="", encoding="utf-8") as text:
                assert next(csv.reader(text)) == list(columns)


def test_the_manifest_names_rows_that_landed(at_once: Path) -> None:
    rows = {}
    for file in (at_once / "landing" / "transactions").glob("*/*.csv"):
        with file.open(newline="", encoding="utf-8") as text:
            rows.update({row["row_id"]: row for row in csv.DictReader(text)})
    faults = read_manifest(at_once / "faults")
    assert {fault.row_id for fault in faults} <= rows.keys()
    assert len({fault.row_id for fault in faults}) == len(faults)
    for fault in faults:
        row = rows[fault.row_id]
        if fault.kind == "late":
            assert row["transaction_timestamp"][:10] < fault.row_id[:10]
        if fault.kind == "missing":
            assert row[fault.column or ""] == ""
    assert {fault.kind for fault in faults if fault.injected} >= {"late", "missing", "duplicate"}


def test_other_settings_need_another_folder(at_once: Path) -> None:
    before = files(at_once)
    with pytest.raises(SourceError, match="another fraction, seed or share of faults"):
        Landing(at_once, fraction=0.04).land(6)
    assert files(at_once) == before


@pytest.mark.parametrize("fraction", [0, -0.5, 1.5])
def test_a_fraction_is_a_share(tmp_path: Path, fraction: float) -> None:
    with pytest.raises(ValueError, match="a share of the households"):
        Landing(tmp_path, fraction=fraction)
