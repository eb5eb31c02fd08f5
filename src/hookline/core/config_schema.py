"""JSON Schema of the configuration file, for editors: the file's own keys and the options of every installed plugin."""

from __future__ import annotations

import copy
from typing import Any

from hookline.core.config_models import FileModel
from hookline.core.errors import HooklineError
from hookline.core.plugin_check import check_class
from hookline.core.plugin_source import InstalledPlugin, import_plugin, installed_plugins

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DOTTED_PATH = r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_.]*$"
_VARIABLE = {
    "type": "string",
    "pattern": r"\$\{.*\}",
    "description": "From the environment: ${NAME} or ${NAME:-default}.",
}
_CONSTRAINED = ("enum", "const", "pattern", "format", "minLength", "maxLength")


def config_schema() -> dict[str, Any]:
    """The schema, draft 2020-12. A plugin that can't be imported gets options of any kind."""
    schema: dict[str, Any] = _variables_allowed(FileModel.model_json_schema())
    definitions = schema.setdefault("$defs", {})
    options = _plugin_options(definitions)
    properties = schema["properties"]
    properties["plugins"].update(_plugins(options))
    overlay = {key: value for key, value in copy.deepcopy(properties).items() if key != "environments"}
    # An overlay gives a part of the options; what is required may stand in the file itself.
    overlay["plugins"].update(_plugins({name: _partial(option) for name, option in options.items()}))
    definitions["environment"] = {"type": "object", "properties": overlay, "additionalProperties": False}
    properties["environments"].update(
        {
            "type": ["object", "null"],
            "additionalProperties": {"anyOf": [{"$ref": "#/$defs/environment"}, {"type": "null"}]},
        }
    )
    for section in ("bus", "measure", "outbox"):
        for owner in (properties, overlay):
            owner[section] = {"anyOf": [owner[section], {"type": "null"}]}
    return {"$schema": _DIALECT, **schema, "title": "hookline.yaml"}


def _plugins(options: dict[str, Any]) -> dict[str, Any]:
    anything = {"type": ["object", "null", "boolean"]}
    return {
        "type": ["object", "null"],
        "properties": {name: {"anyOf": [option, {"type": ["null", "boolean"]}]} for name, option in options.items()},
        "patternProperties": {_DOTTED_PATH: anything},
        "additionalProperties": False,
    }


def _plugin_options(definitions: dict[str, Any]) -> dict[str, Any]:
    """Each plugin's own schema; the models that it refers to are added to the definitions under its name."""
    return {plugin.name: _options_of(plugin, definitions) for plugin in installed_plugins()}


def _options_of(plugin: InstalledPlugin, definitions: dict[str, Any]) -> dict[str, Any]:
    try:
        model = check_class(import_plugin(plugin)).Config
        schema = model.model_json_schema(ref_template=f"#/$defs/{plugin.name}.{{model}}")
    except (HooklineError, TypeError, ValueError, AttributeError):
        return {"type": "object", "description": "This plugin could not be asked for its options."}
    for name, definition in schema.pop("$defs", {}).items():
        definitions[f"{plugin.name}.{name}"] = _variables_allowed(definition)
    return dict(_variables_allowed(schema))


def _partial(option: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in option.items() if key != "required"}


def _variables_allowed(schema: Any) -> Any:
    """The schema with ``${…}`` allowed wherever a scalar is wanted that such a text would not be."""
    if isinstance(schema, list):
        return [_variables_allowed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    below = {
        key: value if key in ("default", "enum", "const", "examples") else _variables_allowed(value)
        for key, value in schema.items()
    }
    scalar = schema.get("type") in ("integer", "number", "boolean")
    constrained = schema.get("type") == "string" and any(key in schema for key in _CONSTRAINED)
    if not scalar and not constrained:
        return below
    outside = {key: below.pop(key) for key in ("title", "description", "default") if key in below}
    return {**outside, "anyOf": [below, _VARIABLE]}
