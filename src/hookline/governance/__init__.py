"""Governance: personal data found and protected, the keys for it, the log of what was done, policies, the catalog."""
