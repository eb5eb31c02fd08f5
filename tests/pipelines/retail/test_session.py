"""Where the Delta jars come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from hookline.pipelines.retail.session import jar_folder


def test_the_named_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "delta-spark_4.2_2.13-4.4.0.jar").touch()
    monkeypatch.setenv("HOOKLINE_JARS", str(tmp_path))
    assert jar_folder() == tmp_path


def test_a_named_folder_without_delta_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_JARS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="holds no delta-spark jar"):
        jar_folder()
