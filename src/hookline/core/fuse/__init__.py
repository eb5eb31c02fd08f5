"""The shared measurement: what all plugins want to know about a write, taken once, the cheapest way that is exact."""

from hookline.core.fuse.binding import resolve
from hookline.core.fuse.riding import Riding, ride
from hookline.core.fuse.taking import WAYS, take
from hookline.core.fuse.target import Target, WrittenFile, columns_of

__all__ = ["WAYS", "Riding", "Target", "WrittenFile", "columns_of", "resolve", "ride", "take"]
