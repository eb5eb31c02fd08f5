"""Write, audit, publish: what is written is measured and judged before readers can see it, where the target allows that.

A Delta table is held before its commit (``delta``), a folder of files is written beside its place and moved there
(``folder``), and what goes anywhere else is kept by the executors until it is judged (``held``). What a killed process left
half done is undone by the next one (``recovery``).
"""

from hookline.pipelines.staging.choice import Choice, Stage, choose
from hookline.pipelines.staging.held import HeldStage
from hookline.pipelines.staging.recovery import recover

__all__ = ["Choice", "HeldStage", "Stage", "choose", "recover"]
