"""What git is told by the environment of a command: where the repository is, and what of it must not run."""

import subprocess
from pathlib import Path

import pytest

from copydesk.workspace.shadow.surroundings import surroundings


def environment(folder: Path, *, trusted: bool) -> dict[str, str]:
    return surroundings([str(folder)], str(folder / "cache"), lambda: trusted, keeps_temp=False)


@pytest.mark.parametrize("trusted", [True, False])
def test_a_repository_names_programs_and_they_run_only_once_the_folder_is_trusted(
    tmp_path: Path, trusted: bool
) -> None:
    """Trusted is the control: the same repository runs its programs there."""
    repo, hook, monitor = tmp_path / "repo", tmp_path / "hook-ran", tmp_path / "monitor-ran"
    repo.mkdir()
    names = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for words in (["init", "-q"], ["config", "core.fsmonitor", f"touch {monitor} #"]):
        subprocess.run(["git", *words], cwd=repo, check=True)
    script = repo / ".git" / "hooks" / "pre-commit"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"#!/bin/sh\ntouch '{hook}'\n")
    script.chmod(0o755)
    env = environment(repo, trusted=trusted)
    subprocess.run(["git", "status"], cwd=repo, env=env, check=True, capture_output=True)
    subprocess.run(["git", *names, "commit", "--allow-empty", "-qm", "m"], cwd=repo, env=env, check=True)
    assert hook.exists() is trusted
    assert monitor.exists() is trusted


def test_a_repository_above_the_workspace_is_found_though_it_is_a_mount_of_its_own(tmp_path: Path) -> None:
    assert environment(tmp_path, trusted=True)["GIT_DISCOVERY_ACROSS_FILESYSTEM"] == "1"
