"""What the numbers of a run suggest to change, each with the evidence and Spark's setting; the most worthwhile first."""

from hookline.observability.advice.model import Advice, Setting, Thresholds, from_document
from hookline.observability.advice.rules import RULES, advise

__all__ = ["RULES", "Advice", "Setting", "Thresholds", "advise", "from_document"]
