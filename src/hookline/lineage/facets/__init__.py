"""OpenLineage facets from our events. A facet is left out when there is nothing to say.

Each function returns ``{name: facet}``, or ``{}``, so that results unite with ``|``.
"""

from hookline.lineage.facets.base import Facet, FacetMaker, JobRun

__all__ = ["Facet", "FacetMaker", "JobRun"]
