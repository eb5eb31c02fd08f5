"""``python -m hookline``; also what ``spark-submit`` is given to run, since it wants a file."""

from __future__ import annotations

import os
import sys

# As a script, Python puts this folder itself first on the path, where `core` or `lineage` would shadow a job's own modules.
# The entry stays, for the script that is run to put its own folder there, and is harmless until then.
_HERE = os.path.dirname(os.path.abspath(__file__))
if os.path.abspath(sys.path[0] or ".") == _HERE:
    sys.path[0] = os.path.join(_HERE, os.path.basename(__file__))

from hookline.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
