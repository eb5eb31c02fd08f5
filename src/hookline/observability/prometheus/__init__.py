"""Metrics as Prometheus has them: names, totals over runs, the text format, and the ways to a server."""
