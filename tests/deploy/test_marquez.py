"""What is deployed for lineage holds together: there is no container engine here to try it with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "marquez"
SERVICES: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]


def test_every_image_is_pinned() -> None:
    assert set(SERVICES) == {"api", "web", "db"}
    for service in SERVICES.values():
        assert re.fullmatch(r"[a-z/-]+:\d+\.\d+(\.\d+)?", service["image"])
    assert SERVICES["api"]["image"].rpartition(":")[2] == SERVICES["web"]["image"].rpartition(":")[2]


def test_nothing_is_open_to_other_machines() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_settings_ask_for_what_the_containers_are_given() -> None:
    (mount,) = SERVICES["api"]["volumes"]
    file, place, _ = mount.split(":")
    assert SERVICES["api"]["environment"]["MARQUEZ_CONFIG"] == place
    text = (FOLDER / file).read_text()
    wanted = set(re.findall(r"\$\{(\w+):-[^}]*\}", text))
    assert wanted <= SERVICES["api"]["environment"].keys()
    database, api = SERVICES["db"]["environment"], SERVICES["api"]["environment"]
    assert all(database[name] == api[name] for name in ("POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD"))
    assert api["POSTGRES_HOST"] == "db"
    assert SERVICES["web"]["environment"]["MARQUEZ_HOST"] == "api"
    assert (
        yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))["server"]["applicationConnectors"][0]["port"] == 5000
    )
