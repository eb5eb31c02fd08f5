"""Invented people: the same each time, alone or in company, and out of reach."""

from __future__ import annotations

from pathlib import Path

from hookline.pipelines.retail.identities import identities


def test_a_person_depends_on_seed_and_number_alone(tmp_path: Path) -> None:
    alone = identities([7], seed=1, cache=tmp_path / "a")
    among = identities([9, 7, 3, 7], seed=1, cache=tmp_path / "b")
    assert list(among["household_id"]) == [3, 7, 9]
    assert among[among["household_id"] == 7].reset_index(drop=True).equals(alone)
    assert identities([7], seed=2, cache=tmp_path / "a")["name"].item() != alone["name"].item()


def test_people_are_kept_and_added_to(tmp_path: Path) -> None:
    few = identities([1, 2], seed=1, cache=tmp_path)
    (kept,) = tmp_path.iterdir()
    before = kept.stat().st_mtime_ns
    assert identities([2, 1], seed=1, cache=tmp_path).equals(few)
    assert kept.stat().st_mtime_ns == before
    more = identities([1, 2, 3], seed=1, cache=tmp_path)
    assert more.head(2).equals(few)
    assert list(tmp_path.iterdir()) == [kept]


def test_nobody_can_be_reached(tmp_path: Path) -> None:
    people = identities(range(1, 200), seed=1, cache=tmp_path)
    assert people["email"].str.endswith("@example.org").all()
    assert people["email"].is_unique
    assert people["phone"].str.fullmatch(r"\(\d{3}\) 555-01\d\d").all()
    assert people["birth_date"].between("1927-01-01", "1998-12-31").all()
    assert not people["address"].str.contains("\n").any()
