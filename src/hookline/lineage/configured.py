"""What the configuration says of datasets: owners and tags, which the store does not keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from hookline.core.events import Dataset
from hookline.lineage.about import AboutDataset, AboutJob
from hookline.lineage.graph import LineageGraph
from hookline.lineage.nodes import Node
from hookline.lineage.options import DatasetOptions


def tell(graph: LineageGraph, options: Mapping[str, Any]) -> None:
    """Add the owners and tags that a plugin's options give to the datasets of a graph."""
    about = AboutJob(datasets=tuple(_patterns(options.get("datasets"))))
    for number in [*graph.datasets()] if about.datasets else []:
        node = graph.nodes[number]
        names = tuple((node.namespace, name) for name in graph.told(number).aliases)
        told = about.of_dataset(Dataset(node.namespace, node.name, symlinks=names))
        if told.owners or told.tags:
            known = graph.know(number)
            known.owners.update(told.owners)
            known.tags.update(told.tags)
        for column, tags in told.columns.items():
            one = Node("column", node.namespace, node.name, column)
            if one in graph:
                graph.know(graph.number(one)).tags.update(tags)


def _patterns(datasets: Any) -> Iterable[tuple[str, AboutDataset]]:
    """The options as the plugin reads them; what it would refuse is its to tell, when a job runs."""
    for pattern, content in datasets.items() if isinstance(datasets, dict) else ():
        try:
            told = DatasetOptions.model_validate(content or {})
        except ValidationError:
            continue
        yield str(pattern), AboutDataset(told.owners, told.tags, told.columns)
