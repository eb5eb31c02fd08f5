"""``python -m hookline``; also what ``spark-submit`` is given to run, since it wants a file."""

from __future__ import annotations

import os
import sys

# As a script, Python puts this folder itself on the path, where `core` or `lineage` would shadow a job's own modules.
_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]

from hookline.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
