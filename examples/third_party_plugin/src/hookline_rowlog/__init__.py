"""The plugin ``rowlog`` for hookline."""

from hookline_rowlog.plugin import RowlogPlugin

__all__ = ["RowlogPlugin"]
