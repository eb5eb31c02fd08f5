"""``--set a.b.c=VALUE``: one value of the configuration, given on the command line."""

from __future__ import annotations

import re

from hookline.core.config_models import FileModel
from hookline.core.config_problems import suggestion
from hookline.core.config_tree import Location, Node
from hookline.core.config_yaml import parse, relocated
from hookline.core.errors import ConfigError

_PART = re.compile(r'(?:"(?P<quoted>[^"]+)"|(?P<plain>[^."=]+))(?:\.(?=.)|$)')


def parse_override(text: str) -> Node:
    """An override as a tree that can be laid on the file.

    Args:
        text: ``a.b.c=VALUE``; a part of the key that contains a dot is put in double quotes.

    Raises:
        ConfigError: naming the option, and never its value.
    """
    key, parts, value = _split(text)
    where = Location(f"--set {key}")
    settable = sorted(name for name in FileModel.model_fields if name != "environments")
    if parts[0] not in settable:
        raise ConfigError(f"{where}: unknown key{suggestion(parts[0], settable)}; allowed: {', '.join(settable)}")
    try:
        node = relocated(parse(value, str(where)) or Node(None, where), where)
    except ConfigError as error:
        # The place within one option's value helps nobody.
        message = re.sub(r":\d+(:\d+)?: ", ": ", str(error), count=1)
        raise ConfigError(f"{message}; VALUE is YAML, so put text with special characters in quotes") from None
    for part in reversed(parts):
        node = Node({part: node}, where)
    return node


def _split(text: str) -> tuple[str, list[str], str]:
    # The first "=" outside of quotes ends the key.
    match = re.match(r'(?P<key>(?:"[^"]*"|[^"=])*)=(?P<value>.*)', text, re.DOTALL)
    parts = [part["quoted"] or part["plain"] for part in _PART.finditer(match["key"])] if match else []
    if (
        match is None
        or not parts
        or sum(part.end() - part.start() for part in _PART.finditer(match["key"])) != len(match["key"])
    ):
        shown = f" {text.partition('=')[0]}" if "=" in text else ""
        raise ConfigError(f"--set{shown}: not of the form a.b.c=VALUE, such as --set bus.notify_deadline_s=5")
    return match["key"], parts, match["value"]
