"""``python -m hookline.governance.keys.lend``: one key, for the JVM beside it that can't ask its keeper itself.

It is asked on standard input (the key's name, its version, and where keys are kept as JSON, a line each) and answers on standard
output with the key in base 64: the one who asked holds the other end of both, and runs as the same user.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

from hookline.core.errors import HooklineError
from hookline.core.safekeeping import KeysConfig
from hookline.governance.keys.ring import open_keyring


def lend(asked: str) -> str:
    """The key.

    Raises:
        KeyUnavailableError: it is not there, or can't be had now.
        ConfigError: the keeper is not set up as it must be.
    """
    name, version, request = asked.split("\n", 2)
    where = json.loads(request)
    ring = open_keyring(KeysConfig.model_validate(where["keys"]), Path(where["base_dir"]))
    return base64.b64encode(ring.get(name, int(version)).reveal()).decode()


def main() -> int:
    """Answer once."""
    try:
        sys.stdout.write(lend(sys.stdin.read()))
    except HooklineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Exception as error:  # noqa: BLE001 - its text may hold what nobody should read
        sys.stderr.write(f"{type(error).__name__}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
