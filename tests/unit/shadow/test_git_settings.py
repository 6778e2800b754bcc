"""git in the view of a folder: what its configuration names runs only once it is trusted."""

import os
import subprocess
from pathlib import Path

import pytest

from copydesk.processes.confinement import Sandbox
from tests.support.plain_sandbox import SANDBOXES
from tests.support.shadow_desk import Desk

LOOKS = "git status > /dev/null; git diff > /dev/null; git log -p > /dev/null; git diff --textconv > /dev/null"


@pytest.fixture(params=SANDBOXES)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return request.param()


def repository(desk: Desk) -> None:
    """One commit, a change, and a configuration that leaves a mark whenever it is obeyed."""
    desk.write({"a.py": "one\n", "b.txt": "b\n", ".gitattributes": "*.py diff=odd\n*.txt filter=f diff=even\n"})
    env = {"PATH": os.environ["PATH"], "HOME": str(desk.ws), "GIT_CONFIG_NOSYSTEM": "1"}
    for words in (
        ("init", "-q"), ("add", "."), ("-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-q", "-m", "first"),
        ("config", "core.fsmonitor", "touch ran-fsmonitor; false"), ("config", "diff.external", "touch ran-external"),
        ("config", "diff.odd.command", "touch ran-command"), ("config", "diff.even.textconv", "touch ran-textconv; cat"),
        ("config", "filter.f.clean", "touch ran-filter; cat"), ("config", "remote.origin.url", "https://example.org/a"),
    ):  # fmt: skip
        subprocess.run(["git", *words], cwd=desk.ws, env=env, check=True, capture_output=True)
    desk.write({"a.py": "two\n", "b.txt": "changed\n"})


async def test_nothing_of_an_untrusted_repository_runs(tmp_path: Path, sandbox: Sandbox):
    desk = Desk(tmp_path, sandbox=sandbox, trusted=False)
    repository(desk)
    ran = await desk.run(f"{LOOKS}; git config remote.origin.url; git status --short; ls")
    assert "ran-" not in ran.out
    assert "https://example.org/a" in ran.out
    assert " M a.py" in ran.out
    assert desk.said(ran.harvest) == []
    assert ran.harvest.notes == ()


async def test_the_control_runs_it_once_the_folder_is_trusted(tmp_path: Path, sandbox: Sandbox):
    desk = Desk(tmp_path, sandbox=sandbox)
    repository(desk)
    ran = await desk.run(f"{LOOKS}; ls")
    for name in ("ran-fsmonitor", "ran-external", "ran-filter"):
        assert name in ran.out


async def test_settings_that_a_command_changes_are_told(tmp_path: Path, sandbox: Sandbox):
    desk = Desk(tmp_path, sandbox=sandbox, trusted=False)
    repository(desk)
    ran = await desk.run("git config user.name Somebody")
    assert any("(config) had no effect" in note or ".git/config" in note for note in ran.harvest.notes)
    assert "Somebody" not in (desk.ws / ".git" / "config").read_text()
