"""Methods are wrapped in modules that are imported already, and in those that come later; the modules stay what they are."""

from __future__ import annotations

import importlib
import inspect
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hookline.pipelines import wrapping

SOURCE = '''
class Writer:
    """A writer."""

    def save(self, path, *, mode="error"):
        """Saves."""
        return (path, mode)


class Special(Writer):
    pass
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package ``shop`` with the module ``writers``, not imported yet."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "writers.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "shop.writers"
    for name in ("shop", "shop.writers", "shop.nowhere"):
        sys.modules.pop(name, None)
        wrapping._finder.hooks.pop(name, None)


def doubling(wrapped, instance, args, kwargs):
    return (type(instance).__name__, wrapped(*args, **kwargs))


def wrap(module):
    wrapping.wrap_method(module, "Writer.save", doubling)


def test_a_module_is_wrapped_when_it_is_imported_and_is_else_unchanged(package):
    wrapping.when_imported(package, wrap)
    assert package not in sys.modules
    module = importlib.import_module(package)
    assert module.Writer().save("p", mode="append") == ("Writer", ("p", "append"))
    assert module.Special().save(path="p") == ("Special", ("p", "error"))
    assert module.Writer.save.__doc__ == "Saves."
    assert list(inspect.signature(module.Writer.save).parameters) == ["self", "path", "mode"]
    assert type(module.__loader__).__name__ == type(module.__spec__.loader).__name__ == "SourceFileLoader"
    assert "class Writer" in inspect.getsource(module)


def test_a_module_that_is_there_is_wrapped_at_once(package):
    module = importlib.import_module(package)
    wrapping.when_imported(package, wrap)
    assert module.Writer().save("p") == ("Writer", ("p", "error"))


def test_a_hook_is_called_once_also_when_the_module_is_reloaded(package):
    calls = []
    wrapping.when_imported(package, calls.append)
    module = importlib.import_module(package)
    importlib.reload(module)
    assert calls == [module]


def test_a_module_that_is_not_there_fails_as_it_would_and_one_that_fails_can_be_tried_again(package, tmp_path):
    wrapping.when_imported("shop.nowhere", wrap)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("shop.nowhere")
    file = tmp_path / "shop" / "writers.py"
    file.write_text("raise ValueError('not now')")
    wrapping.when_imported(package, wrap)
    with pytest.raises(ValueError, match="not now"):
        importlib.import_module(package)
    file.write_text(SOURCE + "\n# longer, so that no cached bytecode is taken for it\n")
    importlib.invalidate_caches()
    assert importlib.import_module(package).Writer().save("p") == ("Writer", ("p", "error"))


def test_runpy_still_runs_a_watched_module(package, tmp_path):
    import runpy

    wrapping.when_imported(package, wrap)
    assert "Writer" in runpy.run_module(package)


def test_a_job_that_did_away_with_the_excepthook_gets_threads_all_the_same(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python makes none without it, and whoever wraps a method may need one."""
    module = importlib.import_module(package)
    wrapping.wrap_method(module, "Writer.save", lambda call, *_: threading.Thread(target=call, args=("x",)).start())
    monkeypatch.setattr(sys, "excepthook", None)
    module.Writer().save("x")
    assert sys.excepthook is sys.__excepthook__
