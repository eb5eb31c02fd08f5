"""What runs, datasets and their storage cost. In plugins::

self._costing = Costing(context.cost, context.base_dir)    # in the constructor: an error in the price book is told then
cost = self._costing.of_run(ended, run)                    # None where no platform is configured, or no telemetry is there
points_of_run(ended, run, context.labels, cost=cost)
"""

from hookline.observability.cost.costing import Costing, RunCost

__all__ = ["Costing", "RunCost"]
