"""Bodies held against the JSON Schemas of what the back ends take, before they are written or sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

from hookline.core.errors import HooklineError

Schema = Literal["cloudwatch_body", "datadog_dashboard"]


def check_body(schema: Schema, name: str, body: Mapping[str, Any]) -> None:
    """Whether a body is one.

    Raises:
        HooklineError: it is not, with the place and what is wrong.
    """
    error = next(iter(_validator(schema).iter_errors(json.loads(json.dumps(body)))), None)
    if error is not None:
        raise HooklineError(f"the dashboard {name!r} is not valid at {error.json_path}: {error.message[:300]}")


@cache
def _validator(schema: Schema) -> Any:
    from jsonschema import Draft202012Validator

    text = resources.files(__package__).joinpath(f"{schema}.schema.json").read_text("utf-8")
    return Draft202012Validator(json.loads(text))
