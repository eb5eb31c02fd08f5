"""Where a write's columns came from: a query's plan → relations and expressions → edges.

``spark_json`` reads what Spark tells of a plan into the few kinds of ``model``; ``walk`` turns those into edges by the rules
of docs/explanation/column-lineage.md. Nothing here talks to Spark.
"""

from hookline.lineage.columns.leaves import Leaf, RawPlan, SourceColumn
from hookline.lineage.columns.model import Relation
from hookline.lineage.columns.spark_changes import Assigned, Names
from hookline.lineage.columns.spark_json import PlanNotUnderstoodError, leaf_columns, own_leaves, read_plan
from hookline.lineage.columns.walk import column_lineage

__all__ = [
    "Assigned",
    "Leaf",
    "Names",
    "PlanNotUnderstoodError",
    "RawPlan",
    "Relation",
    "SourceColumn",
    "column_lineage",
    "leaf_columns",
    "own_leaves",
    "read_plan",
]
