"""Great Expectations: its suites in, ours out, and what they found in its own form.

An expectation is read into measures that give the result that Great Expectations' own Spark engine gives. What has no such
measures is handed to Great Expectations itself. The package is imported only by what needs it.
"""

from __future__ import annotations
