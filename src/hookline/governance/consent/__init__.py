"""Consent: who allowed what, on which lawful basis, from when until when; and whose rows a purpose may have."""

from hookline.governance.consent.ledger import BASES, Ledger, permitted

__all__ = ["BASES", "Ledger", "permitted"]
