"""Profiles: what a dataset's columns look like, kept in sketches that merge over parts and runs."""
