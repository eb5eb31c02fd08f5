"""Erasure: a person's keys are destroyed, and what is in clear of that person is deleted, wherever lineage says it may be.

- ``subject``: whom it is about, by tokens alone; and what ids look like where they were protected.
- ``places``: which datasets may hold them, by policies and lineage.
- ``matching``, ``delta``, ``parquet``, ``holdings``: finding a subject's rows and taking them out.
- ``eraser``: all of that in order, recorded before and after.
- ``export``: the same rows for the person who asks for them.
- ``retention``: the same machinery by age.
"""
