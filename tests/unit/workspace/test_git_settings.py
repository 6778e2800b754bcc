"""What is left of a repository's configuration in the shadow of an untrusted folder, by git's own reading."""

import os
import subprocess
from pathlib import Path

import pytest

from copydesk.workspace.git.settings import without_programs

KEPT = """\
[core]
	repositoryformatversion = 0
	filemode = true
[remote "origin"]
	url = https://example.org/a.git
	fetch = +refs/heads/*:refs/remotes/origin/*
[branch "main"]
	remote = origin
	merge = refs/heads/main
[diff]
	renames = copies
"""

PROGRAMS = [
    "[core]\n\tpager = evil\n",
    "[core]\n\tfsmonitor = evil\n\thooksPath = evil\n\tsshCommand = evil\n\teditor = evil\n\tgitProxy = evil\n",
    "[CORE] FSMonitor = evil\n",
    "[core]\n\tfilemode = false \\\n\tx\n\tfsmonitor = evil\n",
    "[core]\n\tabbrev = 1 \\\nfsmonitor = evil\n",
    '[diff "x"]\n\tcommand = evil\n\ttextconv = evil\n\trenames = evil\n',
    "[diff]\n\texternal = evil\n",
    "[diff.x]\n\tcommand = evil\n",
    '[filter "a=b"]\n\tclean = evil\n\tsmudge = evil\n\tprocess = evil\n',
    '[filter "quo\\"te] [core"]\n\tclean = evil\n',
    '[merge "x"]\n\tdriver = evil\n',
    "[include]\n\tpath = evil\n",
    '[includeIf "gitdir:**"]\n\tpath = evil\n',
    "[alias]\n\tst = !evil\n",
    "[extensions]\n\tworktreeConfig = evil\n",
    '[remote "x"]\n\tuploadpack = evil\n\tvcs = evil\n',
    '[submodule "x"]\n\tupdate = !evil\n',
    "[gpg]\n\tprogram = evil\n[commit]\n\tgpgSign = evil\n[credential]\n\thelper = !evil\n",
    "; comment\n[core] ; [remote]\n\tpager = evil\n",
]


def test_data_stays_as_it_is() -> None:
    assert without_programs(KEPT) == KEPT


@pytest.mark.parametrize("config", PROGRAMS)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_what_names_a_program_is_gone(config: str, ends: str, tmp_path: Path) -> None:
    before, after = (read_by_git(tmp_path / name, text.replace("\n", ends)) for name, text in
                     (("before", KEPT + config), ("after", without_programs(KEPT + config))))  # fmt: skip
    assert "evil" in before, "the control: git reads it"
    assert "evil" not in after
    assert "remote.origin.url=https://example.org/a.git" in after


def read_by_git(path: Path, text: str) -> str:
    path.write_bytes(text.encode())
    command = ["git", "config", "--file", str(path), "--no-includes", "--list"]
    env = {"PATH": os.environ["PATH"], "HOME": str(path.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout
