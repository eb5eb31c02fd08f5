"""The API in OpenAPI's words, made from the same models that answer."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from hookline import __version__
from hookline.observability.ui import documents as shapes
from hookline.observability.ui.asking import PERIODS, STATUSES

_TEMPLATE = "#/components/schemas/{model}"
Parameter = tuple[str, dict[str, Any], str]
_LIMIT: Parameter = ("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "How many at most.")
_NAMED: Parameter = ("named", {"type": "string"}, "Part of the name, capitals or not.")
_SKIP: Parameter = (
    "skip",
    {"type": "integer", "minimum": 0, "default": 0},
    "How many to pass over: `next` of the last page.",
)
ENDPOINTS: tuple[tuple[str, str, type[shapes.Document], tuple[Parameter, ...]], ...] = (
    (
        "/api/v1/overview",
        "What ran, failed, got slower, what it cost, what to look at first.",
        shapes.Overview,
        (
            (
                "days",
                {"type": "integer", "enum": [*PERIODS], "default": 7},
                "Of how many days, today included; 1: of 24 hours.",
            ),
        ),
    ),
    (
        "/api/v1/runs",
        "Runs, the latest first.",
        shapes.Runs,
        (
            ("job", {"type": "string"}, "The job's name; what is behind its first 200 characters does not count."),
            _NAMED,
            (
                "status",
                {"type": "array", "items": {"type": "string", "enum": [*STATUSES]}},
                "Any of these; may be repeated.",
            ),
            ("since", {"type": "string"}, "A day, or a moment in ISO 8601 (UTC), from which on runs started."),
            ("until", {"type": "string"}, "A day (until its end), or a moment before which runs started."),
            ("before", {"type": "string"}, "`next` of the page before."),
            _LIMIT,
        ),
    ),
    (
        "/api/v1/runs/{run_id}",
        "One run; the beginning of its id will do.",
        shapes.RunDetail,
        (("skip", {"type": "integer", "minimum": 0, "default": 0}, "How many of its latest writes to pass over."),),
    ),
    (
        "/api/v1/datasets",
        "Datasets, the one that was written last first.",
        shapes.Datasets,
        (
            _NAMED,
            ("layer", {"type": "string"}, "`bronze`, `silver` or `gold`."),
            ("owner", {"type": "string"}, "As the configuration's `labels` name it."),
            _SKIP,
            _LIMIT,
        ),
    ),
    (
        "/api/v1/datasets/{dataset_id}",
        "One dataset with its last writes.",
        shapes.DatasetDetail,
        (("before", {"type": "string"}, "`earlier` of the answer before: writes that began before that."),),
    ),
    ("/api/v1/lineage", "What is made from what.", shapes.LineageDocument, ()),
    ("/api/v1/health", "Deliveries that wait, plugins that fail.", shapes.Health, ()),
    (
        "/api/v1/search",
        "Jobs, datasets, columns and runs by a text.",
        shapes.Found,
        (("q", {"type": "string"}, "Part of a name, or the beginning of a run's id."),),
    ),
)
_PATH_PARAMETERS = {"run_id": "A run's id, or its beginning.", "dataset_id": "As lists of datasets give it."}


@cache
def document() -> dict[str, Any]:
    """The whole description, OpenAPI 3.1."""
    models: list[tuple[type[shapes.Document], Any]] = [(model, "serialization") for _, _, model, _ in ENDPOINTS]
    _, schemas = models_json_schema([*models, (shapes.Problem, "serialization")], ref_template=_TEMPLATE)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hookline",
            "version": __version__,
            "summary": "What the pages of `hookline ui` show, as JSON.",
        },
        "paths": {path: {"get": _operation(path, about, model, asked)} for path, about, model, asked in ENDPOINTS},
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(path: str, about: str, model: type[shapes.Document], asked: tuple[Parameter, ...]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": words}
        for name, words in _PATH_PARAMETERS.items()
        if f"{{{name}}}" in path
    ]
    parameters += [
        {"name": name, "in": "query", "required": False, "schema": schema, "description": words}
        for name, schema, words in asked
    ]
    return {
        "summary": about,
        "operationId": path.removeprefix("/api/v1/").replace("/{", "_").strip("}"),
        "parameters": parameters,
        "responses": {
            "200": _answer("The answer.", model),
            "401": _answer("A token is needed.", shapes.Problem),
            "404": _answer("There is no such thing.", shapes.Problem),
            "503": _answer("The run history can't be read now.", shapes.Problem),
        },
    }


def _answer(about: str, model: type[shapes.Document]) -> dict[str, Any]:
    reference = {"$ref": _TEMPLATE.format(model=model.__name__)}
    return {"description": about, "content": {"application/json": {"schema": reference}}}
