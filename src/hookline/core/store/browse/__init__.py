"""Lists of runs and datasets, page by page, however many there are: queries for ``StoreReader.reading``.

Each takes a connection and reads so many rows at most, found by an index: a page takes as long with a hundred thousand runs
as with a hundred.

- ``runs``: runs by time, job and status; how many ended how; what the checks of runs said.
- ``datasets``: every dataset with its last write, the writes of one, its name.
- ``spending``: what runs and datasets cost, by day and by job.
- ``ancestors``: what the datasets are made from, by the last works of each job.
"""
