"""Protection: what a policy says of columns, done to the rows on their way to the place that they are written to."""

from hookline.governance.protection.at_rest import FORMATS, AtRestKeeper
from hookline.governance.protection.owners import StoredKeys
from hookline.governance.protection.policy import Policy, find_policies, load_policies
from hookline.governance.protection.protect import Protected, Protector

__all__ = [
    "FORMATS",
    "AtRestKeeper",
    "Policy",
    "Protected",
    "Protector",
    "StoredKeys",
    "find_policies",
    "load_policies",
]
