"""What Spark spent, read from its own status store: works without its web page, and adds nothing to the job's tasks."""

from hookline.observability.telemetry.asking import Application, Grabbed
from hookline.observability.telemetry.folding import RddUses, fold_stages, stage_of
from hookline.observability.telemetry.runs import Extent, fold_run
from hookline.observability.telemetry.streaming import progress_of

__all__ = ["Application", "Extent", "Grabbed", "RddUses", "fold_run", "fold_stages", "progress_of", "stage_of"]
