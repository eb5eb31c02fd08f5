"""Where a job's source is, read from git's own files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hookline.lineage.source import MAX_SOURCE_CHARACTERS, code_of, location_of

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")


def git(folder: Path, *arguments: str) -> str:
    options = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        ["git", *options, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "jobs").mkdir(parents=True)
    (root / "jobs" / "daily sales.py").write_text("print('hello')\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")
    git(root, "remote", "add", "origin", "https://eve:s3cret@github.com/shop/etl.git")
    return root


def test_the_file_at_its_commit(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    assert location_of(repository / "jobs" / "daily sales.py") == {
        "type": "git",
        "url": f"https://github.com/shop/etl/blob/{commit}/jobs/daily%20sales.py",
        "repoUrl": "https://github.com/shop/etl",
        "path": "jobs/daily sales.py",
        "version": commit,
        "branch": "main",
    }


def test_packed_references_a_detached_head_and_a_work_tree(repository: Path, tmp_path: Path) -> None:
    script = repository / "jobs" / "daily sales.py"
    before = location_of(script)
    git(repository, "pack-refs", "--all")
    assert location_of(script) == before
    git(repository, "worktree", "add", "-q", str(tmp_path / "other"), "-b", "feature")
    other = location_of(tmp_path / "other" / "jobs" / "daily sales.py")
    assert other is not None
    assert (other["branch"], other["version"]) == ("feature", git(repository, "rev-parse", "HEAD"))
    git(repository, "checkout", "-q", "--detach")
    detached = location_of(script)
    assert detached is not None
    assert "branch" not in detached
    assert detached["version"] == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("git@github.com:shop/etl.git", "https://github.com/shop/etl"),
        ("ssh://git@git.example.org:2222/shop/etl.git", "https://git.example.org/shop/etl"),
        ("https://token@git.example.org:8443/shop/etl", "https://git.example.org:8443/shop/etl"),
        ("/srv/git/etl.git", None),
        ("file:///srv/git/etl.git", None),
        ("../etl", None),
    ],
)
def test_remotes(repository: Path, address: str, expected: str | None) -> None:
    git(repository, "remote", "set-url", "origin", address)
    found = location_of(repository / "jobs" / "daily sales.py")
    assert (found and found["repoUrl"]) == expected
    assert "token" not in str(found)


def test_no_repository_no_remote_no_script(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "alone.py").write_text("")
    git(repository, "remote", "remove", "origin")
    assert location_of(tmp_path / "alone.py") is None
    assert location_of(repository / "jobs" / "daily sales.py") is None
    assert location_of(None) is None


@pytest.mark.parametrize("broken", ["config", "HEAD"])
def test_a_damaged_repository_is_none(repository: Path, broken: str) -> None:
    (repository / ".git" / broken).write_bytes(b"\xff\x00[[[")
    found = location_of(repository / "jobs" / "daily sales.py")
    assert found is None or "version" not in found


def test_the_code(tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text("print('hello')\n")
    assert code_of(script) == "print('hello')\n"
    script.write_text("x" * (MAX_SOURCE_CHARACTERS + 1))
    assert code_of(script) is None
    script.write_bytes(b"\xff")
    assert code_of(script) is None
    assert code_of(tmp_path / "gone.py") is None
    assert code_of(None) is None
