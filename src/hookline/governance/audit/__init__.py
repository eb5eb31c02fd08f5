"""The audit log: what was decided, protected, revealed and erased, in a chain that shows every change to it."""

from hookline.governance.audit.copies import Copies
from hookline.governance.audit.log import AuditLog, open_log
from hookline.governance.audit.records import Entry
from hookline.governance.audit.verify import Finding, Verified, verify

__all__ = ["AuditLog", "Copies", "Entry", "Finding", "Verified", "open_log", "verify"]
