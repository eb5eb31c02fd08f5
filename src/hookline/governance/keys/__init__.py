"""Keys: where they come from, which version counts, what is derived from them. No key is ever shown, logged or pickled."""

from hookline.governance.keys.material import KeyVersion
from hookline.governance.keys.ring import Keyring, open_keyring

__all__ = ["KeyVersion", "Keyring", "open_keyring"]
