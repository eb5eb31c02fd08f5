"""Invented people for the real households: a name, an e-mail address, a phone number, an address, a birth date.

Each person depends on the seed and the household's number alone, whoever else is asked for. E-mail addresses end in
example.org and phone numbers are in the range kept for fiction (555-01xx), so that no message can reach anyone.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

OLDEST_YEARS = 90
YOUNGEST_YEARS = 19
BORN_BEFORE = 2017


def identities(household_ids: Iterable[int], *, seed: int, cache: Path) -> Any:
    """The people of these households, as a pandas DataFrame in the order of the numbers.

    Args:
        household_ids: the households.
        seed: another seed, other people.
        cache: a folder in which people are kept between calls; inventing 2,469 of them takes seconds.
    """
    import pandas as pd

    wanted = sorted(set(household_ids))
    # Another release of Faker draws other names from the same seed.
    kept = cache / f"identities-{seed}-{importlib.metadata.version('Faker')}.parquet"
    people = pd.read_parquet(kept) if kept.is_file() else pd.DataFrame({"household_id": []}, dtype="int64")
    missing = sorted(set(wanted) - set(people["household_id"]))
    if missing:
        people = pd.concat([people, _invent(missing, seed)], ignore_index=True)
        _keep(people, kept)
    return people[people["household_id"].isin(wanted)].sort_values("household_id", ignore_index=True)


def _invent(household_ids: list[int], seed: int) -> Any:
    import pandas as pd
    from faker import Faker

    fake = Faker("en_US")
    return pd.DataFrame([_person(fake, household_id, seed) for household_id in household_ids])


def _person(fake: Any, household_id: int, seed: int) -> dict[str, Any]:
    fake.seed_instance(f"{seed}/{household_id}")
    first, last = fake.first_name(), fake.last_name()
    born = BORN_BEFORE - fake.random_int(YOUNGEST_YEARS, OLDEST_YEARS)
    return {
        "household_id": household_id,
        "name": f"{first} {last}",
        # The number keeps two households of one name apart.
        "email": f"{first}.{last}.{household_id}@example.org".lower(),
        "phone": fake.numerify("(###) 555-01##"),
        "address": fake.address().replace("\n", ", "),
        "birth_date": f"{born:04d}-{fake.random_int(1, 12):02d}-{fake.random_int(1, 28):02d}",
    }


def _keep(people: Any, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    # Written beside and moved: a reader never meets half a file.
    partial = file.with_suffix(".partial")
    people.to_parquet(partial, index=False)
    partial.replace(file)
