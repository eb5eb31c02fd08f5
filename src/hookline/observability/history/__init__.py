"""What is usual for a job's runs and its writes to a dataset, what is not, and how two runs differ.

- ``baseline``: what earlier numbers say of one to come, by weekday and hour where there is enough.
- ``anomalies``: which of a run's numbers are none of the usual, with a stated rate of false alarms; what got worse since the
  last good run.
- ``comparing``: two runs beside each other.
"""

from hookline.observability.history.anomalies import Anomaly, Regression, anomalies_of, judge, regressions
from hookline.observability.history.baseline import Baseline, baseline_of
from hookline.observability.history.comparing import Difference, compare

__all__ = [
    "Anomaly",
    "Baseline",
    "Difference",
    "Regression",
    "anomalies_of",
    "baseline_of",
    "compare",
    "judge",
    "regressions",
]
