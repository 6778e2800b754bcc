"""The git tools over real repositories: buffers laid over the disk, and repositories that want to run something."""

import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from copydesk.domain.edits import Base, ChangeText, CreateFile, DeleteFile
from copydesk.domain.errors import CopydeskError, InvalidArguments, ToolFailed
from copydesk.text.hashing import content_hash
from copydesk.tools.git_changing import changing_tools
from copydesk.tools.git_reading import reading_tools
from copydesk.workspace.git.running import Git
from copydesk.workspace.uris import to_path, to_uri
from copydesk.workspace.workspace import Workspace
from tests.support.memory import call
from tests.unit.contracts.chains import ChainWork, write

Use: TypeAlias = Callable[..., Awaitable[str]]

IDENTITY = ("-c", "user.name=A Person", "-c", "user.email=a@example.org")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *IDENTITY, *arguments], cwd=folder, check=True, capture_output=True, text=True, env=clean_env(folder)
    )
    return done.stdout


def clean_env(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One commit with three files; a home of its own, with a name to commit under."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\nname = A Person\nemail = a@example.org\n[init]\ndefaultBranch = main\n")
    monkeypatch.setenv("HOME", str(home))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    write(folder, [("a.py", "one\ntwo\n"), ("src/b.py", "b = 1\n"), ("c.txt", "c\n"), (".gitignore", "*.log\n")])
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def tools_at(*roots: Path, trusted: bool = False) -> tuple[ChainWork, Use]:
    workspace = Workspace([to_uri(str(root)) for root in roots])
    runner = Git(lambda: [path for root in workspace.roots if (path := to_path(root))], lambda root: trusted)
    work = ChainWork(workspace)
    tools = {tool.spec.name: tool for tool in (*reading_tools(runner), *changing_tools(runner))}

    async def use(tool: str, /, **arguments: object) -> str:
        return (await call(tools[tool], work, **arguments)).content

    return work, use


def open_in_editor(work: ChainWork, path: Path, text: str) -> str:
    uri = to_uri(str(path))
    work.workspace.overlay.open(uri, "python", 1, text)
    return uri


# --- reading ---


async def test_a_clean_tree_says_so(repo: Path):
    _, use = tools_at(repo)
    assert await use("git_status") == "On branch main.\nNothing to commit: the text here is what the last commit has."
    assert await use("git_diff") == "No difference between the current text and the index."


async def test_status_sees_unsaved_and_proposed_text(repo: Path):
    work, use = tools_at(repo)
    open_in_editor(work, repo / "a.py", "one\nTWO\n")
    work.propose(CreateFile(to_uri(str(repo / "new.py")), "n\n"))
    work.propose(DeleteFile(Base(to_uri(str(repo / "c.txt")), content_hash("c\n"))))
    work.propose(CreateFile(to_uri(str(repo / "noise.log")), "ignored\n"))
    (repo / "src/b.py").write_text("b = 2\n")
    assert (await use("git_status")).splitlines() == [
        "On branch main.",
        "Not staged:",
        "  modified: a.py (unsaved)",
        "  deleted: c.txt (proposed)",
        "  modified: src/b.py",
        "Untracked:",
        "  untracked: new.py (proposed)",
    ]


async def test_a_buffer_that_undoes_what_is_on_disk_is_clean(repo: Path):
    work, use = tools_at(repo)
    (repo / "a.py").write_text("changed on disk\n")
    assert "modified: a.py" in await use("git_status")
    open_in_editor(work, repo / "a.py", "one\ntwo\n")
    assert "Nothing to commit" in await use("git_status")
    assert "No difference" in await use("git_diff")


async def test_diff_is_to_the_text_in_the_editor(repo: Path):
    work, use = tools_at(repo)
    (repo / "a.py").write_text("disk\n")
    uri = open_in_editor(work, repo / "a.py", "one\ntyped\n")
    found = await use("git_diff")
    assert "-two\n+typed" in found
    assert "disk" not in found
    work.propose(ChangeText(Base(uri, content_hash("one\ntyped\n"), 1), ((4, 9, "proposed"),)))
    assert "+proposed" in await use("git_diff", path="a.py")
    assert "No difference" in await use("git_diff", path="src")


async def test_staged_is_what_was_added(repo: Path):
    work, use = tools_at(repo)
    (repo / "a.py").write_text("one\nstaged\n")
    git(repo, "add", "a.py")
    open_in_editor(work, repo / "a.py", "one\nunsaved\n")
    assert "+staged" in await use("git_diff", staged=True)
    assert "unsaved" not in await use("git_diff", staged=True)
    rows = (await use("git_status")).splitlines()
    assert rows[1:] == ["Staged:", "  modified: a.py (unsaved)", "Not staged:", "  modified: a.py (unsaved)"]


async def test_line_ends_that_git_converts_are_no_change(repo: Path):
    (repo / ".gitattributes").write_text("*.txt text eol=crlf\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "eol")
    work, use = tools_at(repo)
    open_in_editor(work, repo / "c.txt", "c\r\n")
    assert "Nothing to commit" in await use("git_status")
    work.workspace.overlay.change(to_uri(str(repo / "c.txt")), 2, [(None, "c\r\nd\r\n")])
    found = await use("git_diff")
    assert "+d" in found
    assert "-c" not in found


async def test_a_folder_inside_a_repository(repo: Path):
    work, use = tools_at(repo / "src")
    (repo / "a.py").write_text("above the folder\n")
    open_in_editor(work, repo / "src" / "b.py", "b = 3\n")
    assert (await use("git_status")).splitlines()[1:] == ["Not staged:", "  modified: b.py (unsaved)"]
    assert "diff --git a/b.py b/b.py" in await use("git_diff")
    assert "first" in await use("git_log", path="b.py")


async def test_odd_names(repo: Path):
    names = ["a b.py", "ü.py", "[x].py", ":(top)z.py", "-n.py", 'q"t.py']
    write(repo, [(name, "1\n") for name in names])
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "odd")
    work, use = tools_at(repo)
    for name in names:
        open_in_editor(work, repo / name, "2\n")
    found = await use("git_status")
    for name in names:
        assert f"  modified: {name} (unsaved)" in found
        assert "+2" in await use("git_diff", path=name)
    assert "odd" in await use("git_log", path="[x].py")


async def test_log_and_what_is_not_committed(repo: Path):
    work, use = tools_at(repo)
    open_in_editor(work, repo / "a.py", "x\n")
    rows = (await use("git_log", limit=5)).splitlines()
    assert rows[0] == "(not committed: 1 file with unsaved or proposed text)"
    assert rows[1].endswith("A Person: first (HEAD -> main)")


async def test_files_of_secrets_are_named_and_not_shown(repo: Path):
    write(repo, [(".env", "TOKEN=old-secret\n")])
    git(repo, "add", "-f", ".env")
    git(repo, "commit", "-q", "-m", "oops")
    (repo / ".env").write_text("TOKEN=new-secret\n")
    (repo / "a.py").write_text("fine\n")
    work, use = tools_at(repo)
    found = await use("git_diff")
    assert "secret\n" not in found
    assert "+fine" in found
    assert "(1 file of secrets not shown)" in found
    open_in_editor(work, repo / ".env", "TOKEN=typed-secret\n")
    assert "typed-secret" not in await use("git_diff")


async def test_no_repository_and_no_commits(tmp_path: Path, repo: Path):
    bare = tmp_path / "plain"
    bare.mkdir()
    _, use = tools_at(bare)
    with pytest.raises(ToolFailed, match="is not in a git repository"):
        await use("git_status")
    git(bare, "init", "-q", "-b", "main")
    assert "no commits yet" in await use("git_status")
    assert await use("git_log") == "There are no commits yet."


async def test_two_folders_are_two_repositories(tmp_path: Path, repo: Path):
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", "-b", "trunk")
    _, use = tools_at(repo, other)
    assert (await use("git_status")).splitlines()[0] == "repo:"
    assert "On branch trunk, no commits yet." in await use("git_status")


# --- changing ---


async def test_add_takes_what_is_saved_and_says_what_is_not(repo: Path):
    work, use = tools_at(repo)
    (repo / "a.py").write_text("saved\n")
    open_in_editor(work, repo / "a.py", "typed\n")
    found = await use("git_add", paths=["a.py"])
    assert found == "Staged now: a.py.\nNot in it, since it is unsaved or only proposed: a.py."
    assert git(repo, "show", ":a.py") == "saved\n"


async def test_commit(repo: Path):
    _, use = tools_at(repo)
    with pytest.raises(ToolFailed, match="Nothing is staged"):
        await use("git_commit", message="empty")
    (repo / "a.py").write_text("saved\n")
    await use("git_add", paths=["a.py"])
    found = await use("git_commit", message="Say less\n\n# not a comment that is lost\nBody")
    assert "Say less (1 file)." in found
    assert git(repo, "log", "-1", "--format=%B").startswith("Say less")
    with pytest.raises(InvalidArguments, match="empty"):
        await use("git_commit", message="  ")


async def test_branches(repo: Path):
    work, use = tools_at(repo)
    assert await use("git_branch", name="work", create=True, switch=True) == "Created branch work and switched to it."
    (repo / "a.py").write_text("other\n")
    await use("git_add", paths=["a.py"])
    await use("git_commit", message="second")
    open_in_editor(work, repo / "a.py", "typed\n")
    with pytest.raises(ToolFailed, match=r"a\.py has unsaved or proposed text"):
        await use("git_branch", name="main", switch=True)
    work.workspace.overlay.close(to_uri(str(repo / "a.py")))
    assert await use("git_branch", name="main", switch=True) == "Switched to branch main."
    assert (repo / "a.py").read_text() == "one\ntwo\n"
    for bad in ("a..b", "-D", "x y"):
        with pytest.raises(InvalidArguments, match="cannot be the name"):
            await use("git_branch", name=bad, create=True)
    with pytest.raises(ToolFailed, match="no branch"):
        await use("git_branch", name="nowhere", switch=True)


async def test_changing_tools_always_ask(repo: Path):
    work, _ = tools_at(repo)
    runner = Git(lambda: (), lambda root: False)
    asked = {
        "git_add": {"paths": ["a.py"]},
        "git_commit": {"message": "m"},
        "git_branch": {"name": "x", "create": True},
    }
    for tool in changing_tools(runner):
        assert "real repository" in tool.prepare(asked[tool.spec.name], work).asks
        assert tool.spec.effect == "execute"


async def test_secrets_and_git_itself_are_not_staged(repo: Path):
    _, use = tools_at(repo)
    write(repo, [(".env", "A=1\n")])
    for path in (".env", ".git/config"):
        with pytest.raises(CopydeskError):
            await use("git_add", paths=[path])


# --- repositories that want to run something ---


def trap(repo: Path, name: str) -> tuple[str, Path]:
    """A program that leaves a mark when it is run, and passes its input on."""
    mark, program = repo.parent / f"ran-{name}", repo.parent / f"trap-{name}.sh"
    program.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    program.chmod(0o755)
    return str(program), mark


def set_traps(repo: Path) -> dict[str, Path]:
    """Every place of a repository's configuration that names a program, as far as these commands come by it."""
    marks: dict[str, Path] = {}

    def set_trap(name: str, *keys: str) -> None:
        program, marks[name] = trap(repo, name)
        for key in keys:
            git(repo, "config", key, program)

    set_trap("fsmonitor", "core.fsmonitor")
    set_trap("pager", "core.pager")
    set_trap("diff", "diff.external")
    set_trap("driver", "diff.odd.command")
    set_trap("textconv", "diff.even.textconv")
    set_trap("filter", "filter.dots.in.name.clean", "filter.dots.in.name.smudge")
    set_trap("gpg", "gpg.program")
    git(repo, "config", "commit.gpgSign", "true")
    git(repo, "config", "log.showSignature", "true")
    hooks = repo / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in (
        "pre-commit",
        "commit-msg",
        "post-commit",
        "post-checkout",
        "post-index-change",
        "reference-transaction",
    ):
        program, marks[hook] = trap(repo, hook)
        (hooks / hook).write_text(f"#!/bin/sh\nexec {program} < /dev/null\n")
        (hooks / hook).chmod(0o755)
    (repo / ".gitattributes").write_text("*.py diff=odd\n*.txt diff=even\nd.bin filter=dots.in.name\n")
    return marks


async def play_everything(use: Use, repo: Path) -> None:
    (repo / "a.py").write_text("changed\n")
    (repo / "c.txt").write_text("changed\n")
    (repo / "d.bin").write_text("changed\n")
    await use("git_status")
    await use("git_diff")
    await use("git_log")
    await use("git_add", paths=["a.py"])
    await use("git_commit", message="m")
    await use("git_branch", name="other", create=True, switch=True)


async def test_nothing_of_an_untrusted_repository_runs(repo: Path):
    marks = set_traps(repo)
    work, use = tools_at(repo)
    open_in_editor(work, repo / "src/b.py", "typed\n")
    open_in_editor(work, repo / "d.bin", "typed\n")
    await play_everything(use, repo)
    assert [name for name, mark in marks.items() if mark.exists()] == []
    with pytest.raises(ToolFailed, match="own filter"):
        await use("git_add", paths=["d.bin"])
    with pytest.raises(ToolFailed, match="filters do not run"):
        await use("git_branch", name="main", switch=True)


def test_the_traps_work(repo: Path):
    """The control: plain git runs them."""
    marks = set_traps(repo)
    git(repo, "config", "--unset", "commit.gpgSign")
    (repo / "a.py").write_text("changed\n")
    (repo / "c.txt").write_text("changed\n")
    (repo / "d.bin").write_text("changed\n")
    git(repo, "status")
    git(repo, "diff")
    git(repo, "config", "--unset", "diff.external")
    git(repo, "diff")
    git(repo, "add", "-A")
    git(repo, "commit", "-m", "m")
    git(repo, "switch", "-c", "other")
    ran = {name for name, mark in marks.items() if mark.exists()}
    assert ran >= {"fsmonitor", "diff", "driver", "textconv", "filter", "pre-commit", "commit-msg", "post-checkout"}


async def test_hooks_run_once_the_folder_is_trusted(repo: Path):
    marks = set_traps(repo)
    git(repo, "config", "--unset", "commit.gpgSign")
    _, use = tools_at(repo, trusted=True)
    (repo / "a.py").write_text("changed\n")
    await use("git_add", paths=["a.py"])
    found = await use("git_commit", message="m")
    assert marks["pre-commit"].exists()
    assert "Hooks did not run" not in found


async def test_a_worktree_that_is_elsewhere_is_refused(repo: Path, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    git(repo, "config", "core.worktree", str(elsewhere))
    _, use = tools_at(repo)
    with pytest.raises(ToolFailed, match=r"elsewhere|core\.worktree"):
        await use("git_status")


async def test_a_program_named_git_in_the_folder_is_not_run(repo: Path, monkeypatch: pytest.MonkeyPatch):
    program, mark = trap(repo, "git")
    (repo / "git").symlink_to(program)
    monkeypatch.setenv("PATH", os.pathsep.join([".", str(repo), os.environ["PATH"]]))
    _, use = tools_at(repo)
    await use("git_status")
    assert not mark.exists()


async def test_a_key_that_cannot_be_switched_off_is_refused(repo: Path):
    config = repo / ".git" / "config"
    config.write_text(config.read_text() + '[filter "a=b"]\n\tclean = touch ran\n')
    _, use = tools_at(repo)
    with pytest.raises(ToolFailed, match="cannot be made safe"):
        await use("git_status")


async def test_with_several_folders_all_are_read_and_one_is_named_to_be_changed(repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    write(other, [("o.py", "o = 1\n")])
    git(other, "add", ".")
    git(other, "commit", "-q", "-m", "of the other")
    write(other, [("o.py", "o = 2\n")])
    _, use = tools_at(repo, other)
    found = await use("git_diff")
    assert "+o = 2" in found, "the second folder's changes are changes too"
    log = await use("git_log")
    assert "first" in log
    assert "of the other" in log
    await use("git_add", paths=["other/o.py"])
    for tool, arguments in (("git_commit", {"message": "m"}), ("git_branch", {"name": "x", "create": True})):
        with pytest.raises(InvalidArguments, match="several folders"):
            await use(tool, **arguments)
    assert "Committed" in await use("git_commit", message="second of it", path="other")
    await use("git_branch", name="x", create=True, path="other/o.py")
    assert "second of it" in git(other, "log", "-1")
    assert "x" in git(other, "branch")
    assert "x" not in git(repo, "branch")
