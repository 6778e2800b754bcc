"""What Landlock is asked for, by version of the kernel's interface, and how a root is put together."""

import os
import platform
import stat
import sys
from pathlib import Path

import pytest

from copydesk.domain.errors import ToolFailed
from copydesk.processes import held_names, landlock
from copydesk.processes import landlock_rules as rules
from copydesk.processes.confinement import Confinement, Mount

MOUNT = Mount("/home/me/ws", lowers=("/home/me/ws",), upper="/state/upper", work="/state/work")
ASKED = Confinement((MOUNT,), cwd="/home/me/ws", env={"HOME": "/home/me", "PATH": "/usr/bin"})


@pytest.mark.parametrize(
    ("abi", "n_masks", "top"), [(1, 1, 12), (2, 1, 13), (3, 1, 14), (4, 2, 14), (5, 2, 15), (6, 3, 15), (7, 3, 15)]
)
def test_only_what_a_version_knows_is_asked_for(abi: int, n_masks: int, top: int):
    handled = rules.handled(abi, tcp=True)
    assert len(handled) == n_masks
    assert handled[0] == (1 << (top + 1)) - 1  # all rights up to the newest it knows, devices included
    assert all(right & ~handled[0] == 0 for _, right in rules.rules_for(abi, [("/", rules.WRITE), ("/", rules.DEVICE)]))
    if abi >= 4:
        assert handled[1] == 3
        assert rules.handled(abi, tcp=False)[1] == 0
    if abi >= 6:
        assert handled[2] == 3


def test_reading_is_not_writing():
    changing = rules.WRITE_FILE | rules.TRUNCATE | rules.MAKE_REG | rules.REMOVE_FILE | rules.REFER
    assert rules.READ & changing == 0
    assert rules.WRITE & changing == changing


def test_only_what_anybody_may_read_of_the_configuration(tmp_path: Path):
    for name, mode in {"open/a": 0o644, "mixed/a": 0o644, "mixed/key": 0o600, "group": 0o640, "plain": 0o644}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
        path.chmod(mode)
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "a").write_text("x")
    closed.chmod(0o700)
    (tmp_path / "link").symlink_to(closed)
    found = {os.path.relpath(path, tmp_path) for path in rules.configuration(str(tmp_path))}
    assert found == {"open", "mixed/a", "plain"}


def test_no_key_of_this_machine_is_in_the_rules():
    paths = [path for path, _ in rules.system_rights()]
    assert not {"/", "/etc", "/root", "/home", "/var", "/run", "/tmp", "/proc"} & set(paths)
    for path in ("/etc/shadow", "/etc/gshadow", "/etc/ssl/private"):
        assert not any(path == shown or path.startswith(shown + "/") for shown in paths)
        if os.path.exists(path):
            assert not os.stat(path).st_mode & stat.S_IROTH


def steps(asked: Confinement) -> list[tuple[object, ...]]:
    return landlock.steps_for(landlock.with_temp(asked))


def test_the_workspace_is_mounted_after_what_is_above_it_and_masked_last():
    asked = Confinement(
        (MOUNT,),
        cwd=MOUNT.path,
        env={"HOME": "/home/me"},
        hidden=("/home/me/ws/.env",),
        read_only=("/home/me/ws/.git",),
    )
    kinds = [(step[0], step[1]) for step in steps(asked)]
    home, view = kinds.index(("tmpfs", "/home/me")), kinds.index(("overlay", MOUNT.path))
    guard, mask = kinds.index(("protect", "/home/me/ws/.git")), kinds.index(("hide", "/home/me/ws/.env"))
    assert home < view < guard < mask


def test_nothing_of_a_home_is_shown_but_what_is_named(tmp_path: Path):
    tools = tmp_path / "tools"
    tools.mkdir()
    asked = Confinement(
        (MOUNT,), cwd="/", env={"HOME": "/home/me"}, readable=(str(tools), f"{MOUNT.path}/.venv", "/usr/x")
    )
    binds = [step for step in steps(asked) if step[0] == "bind"]
    shown = {step[1] for step in binds}
    assert str(tools) in shown
    assert not any(str(path).startswith(("/home", "/root", "/var", "/run")) for path in shown)
    assert all(step[3] is False for step in binds if not str(step[1]).startswith("/dev/"))


def test_of_the_devices_only_harmless_ones():
    shown = {step[1] for step in steps(ASKED) if step[0] == "bind" and str(step[1]).startswith("/dev/")}
    assert shown <= {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}


async def test_where_it_cannot_be_had_it_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rules, "version", lambda: 0)
    if sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64"):
        assert "Linux 5.13" in str(await landlock.attempt(str(tmp_path)))
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    if sys.platform == "linux":
        assert "this is riscv64" in str(await landlock.attempt(str(tmp_path)))
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "part of Linux" in str(await landlock.attempt(str(tmp_path)))
    assert os.listdir(tmp_path) == []


# --- names that are held ---


def in_place(folder: Path, *names: str) -> Confinement:
    return Confinement(
        (Mount(str(folder), tree=str(folder)),), cwd="/", read_only=tuple(f"{folder}/{name}" for name in names)
    )


def test_names_that_are_missing_are_held_and_given_back(tmp_path: Path):
    (tmp_path / ".git").mkdir()
    made = held_names.hold(in_place(tmp_path, ".git", ".vscode", ".mcp.json", "sub/.idea"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git", ".mcp.json", ".vscode", "sub"]
    assert (tmp_path / ".mcp.json").is_file()
    held_names.let_go(made)
    assert [path.name for path in tmp_path.iterdir()] == [".git"]


def test_what_somebody_puts_there_meanwhile_stays(tmp_path: Path):
    made = held_names.hold(in_place(tmp_path, ".vscode", ".mcp.json", ".envrc"))
    (tmp_path / ".vscode" / "tasks.json").write_text("theirs")
    (tmp_path / "new").write_text("theirs")
    (tmp_path / "new").rename(tmp_path / ".mcp.json")
    held_names.let_go(made)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mcp.json", ".vscode"]


def test_in_a_copy_no_name_is_held(tmp_path: Path):
    asked = Confinement((Mount(str(tmp_path), tree="/copy"),), cwd="/", read_only=(f"{tmp_path}/.git",))
    assert held_names.hold(asked) == []
    assert not held_names.is_in_place(asked)


def test_a_name_that_cannot_be_held_stops_the_command(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ToolFailed, match="cannot be kept from being made"):
        held_names.hold(in_place(tmp_path, ".vscode", "file/.git"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
