"""What a command sees, and what of its doings never comes back: over layers and in copies."""

import os
import subprocess
from pathlib import Path

import pytest

from copydesk.domain.edits import ChangeText
from copydesk.domain.errors import ToolFailed
from copydesk.safety.paths import is_secret
from copydesk.workspace.shadow.protected import PROTECTED
from copydesk.workspace.shadow.surroundings import surroundings
from copydesk.workspace.shadow.times import SECOND_NS, Times
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace
from tests.support.plain_sandbox import SANDBOXES
from tests.support.shadow_desk import Desk


@pytest.fixture(params=SANDBOXES)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    return Desk(tmp_path, request.param(), is_secret=is_secret)


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@x", *words], cwd=folder, check=True, capture_output=True
    )


async def test_secrets_read_as_empty_and_nothing_written_to_them_is_kept(desk: Desk):
    desk.write({".env": "KEY=canary", "deep/er/id_rsa": "canary", "a.txt": "a\n", ".env.example": "KEY=\n"})
    os.symlink(".env", desk.ws / "looks-fine")
    desk.open(".env", "KEY=canary typed")
    ran = await desk.run(
        "base64 .env deep/er/id_rsa looks-fine; cat .env.example; find . -type f | xargs cat | grep canary"
    )
    assert ran.out == "KEY=\n"
    ran = await desk.run("echo x > .env; rm deep/er/id_rsa; echo y > new.pem; mv a.txt b.key")
    assert desk.said(ran.harvest) == ["- a.txt"]
    assert {"'.env'" in note or "new.pem" in note for note in ran.harvest.notes} == {True}
    (desk.ws / "later").mkdir()
    (desk.ws / "later" / ".env").write_text("KEY=canary")
    assert "canary" not in (await desk.run("cat later/.env")).out


async def test_a_named_secret_is_shown_to_a_command_that_may_read_it(desk: Desk):
    desk.write({".env": "KEY=1\n", "b.env": "KEY=2\n"})
    assert (await desk.run("cat .env b.env", readable=(desk.uri(".env"),))).out == "KEY=1\n"
    assert (await desk.run("cat .env b.env")).out == ""


async def test_what_configures_editors_and_agents_never_comes_back(desk: Desk):
    desk.write({".vscode/settings.json": "{}\n", "a.txt": "a\n"})
    line = (
        "echo '{\"x\": 1}' > .vscode/settings.json; mkdir -p .claude sub/.git/hooks .cursor; touch .claude/x .mcp.json;"
        " echo '{}' > .mcp.json; echo x > .envrc; echo x > .claude/commands.md; echo boo > sub/.git/hooks/pre-commit"
    )
    ran = await desk.run(line)
    assert ran.harvest.n_files == 0
    said = " ".join(ran.harvest.notes)
    for name in (".vscode/settings.json", ".mcp.json", ".claude/commands.md"):
        assert name in said


async def test_version_control_is_told_to_have_had_no_effect(desk: Desk):
    desk.write({"a.txt": "a\n", "b.txt": "b\n"})
    git(desk.ws, "init", "-q")
    git(desk.ws, "add", "-A")
    git(desk.ws, "commit", "-qm", "first")
    before = desk.state()
    looked = await desk.run("touch a.txt; git status; git log; git diff; GIT_OPTIONAL_LOCKS=1 git status")
    assert looked.harvest.notes == ()
    for line in (
        "git mv a.txt c.txt",
        "echo x > b.txt; git add -A; git -c user.name=x -c user.email=x commit -qm y",
        "git branch z",
    ):
        ran = await desk.run(line, propose=False)
        assert any("had no effect" in note and "git_commit" in note for note in ran.harvest.notes), line
    assert desk.said((await desk.run("git mv a.txt c.txt")).harvest) == ["a.txt > c.txt"]
    assert desk.state() == before


async def test_files_come_back_in_their_own_encoding_or_as_side_files(desk: Desk):
    latin, wide = "é = 1  # ".encode("latin-1"), "\ufeffé = 1\r\n".encode("utf-16-le")
    desk.write(
        {
            "latin.py": b"# -*- coding: latin-1 -*-\r\n" + latin + b"\r\n",
            "wide.txt": wide,
            "bom.txt": b"\xef\xbb\xbfa\n",
            "plain.txt": "a\n",
            "broken.txt": b"\xff\xfe\xfd broken \x80\n",
        }
    )
    desk.open("latin.py", "# -*- coding: latin-1 -*-\r\né = 2\r\n")
    ran = await desk.run(
        r"od -An -c latin.py | tail -1; printf 'x = 3\r\n' >> latin.py; printf 'b\0\r\0\n\0' >> wide.txt; echo b >> bom.txt;"
        r" printf '\303\251\n' >> plain.txt; echo b >> broken.txt; printf '\357\273\277a\n' > new.txt; printf '\377' > odd"
    )
    assert desk.said(ran.harvest) == [
        "write broken.txt", "write new.txt", "write odd", "~ bom.txt", "~ latin.py", "~ plain.txt", "~ wide.txt",
    ]  # fmt: skip
    view = desk.view()
    assert view.read(desk.uri("latin.py")).text == "# -*- coding: latin-1 -*-\r\né = 2\r\nx = 3\r\n"
    assert view.read(desk.uri("wide.txt")).text == "é = 1\r\nb\r\n"
    assert view.read(desk.uri("plain.txt")).text == "a\né\n"
    again = await desk.run("od -An -tx1 latin.py | tr -d ' \\n'; echo; od -An -tx1 wide.txt bom.txt | tr -d ' \\n'")
    first, second = again.out.split()
    assert bytes.fromhex(first).endswith("é = 2\r\nx = 3\r\n".encode("latin-1"))
    assert bytes.fromhex(second) == wide + "b\r\n".encode("utf-16-le") + b"\xef\xbb\xbfa\nb\n"


async def test_edits_are_as_small_as_what_was_changed(desk: Desk):
    desk.write({"a.py": "".join(f"value_{n} = {n}\n" for n in range(100))})
    ran = await desk.run("sed -i -e 's/= 40$/= 41/' -e '70d' a.py")
    [edit] = ran.harvest.edits
    assert isinstance(edit, ChangeText)
    assert sum(end - start + len(text) for start, end, text in edit.spans) < 30


async def test_a_check_changes_nothing_and_keeps_its_caches(desk: Desk):
    desk.write({".gitignore": "cache/\n", "a.txt": "a\n"})
    ran = await desk.run("echo b > a.txt; mkdir -p cache; echo warm > cache/x", check=True)
    assert (ran.harvest.n_files, ran.harvest.notes) == (0, ())
    assert (await desk.run("cat a.txt cache/x")).out == "a\nwarm\n"


async def test_byte_code_of_an_earlier_text_is_never_run(desk: Desk):
    """Same length, same second: Python's cache must not take one for the other."""
    desk.write({"m.py": "x = 1\n"})
    base = desk.view()
    found: list[str] = []
    for text in ("x = 2\n", "x = 3\n", "x = 1\n", "x = 2\n"):
        desk.pending.discard()
        handle = base.read(desk.uri("m.py"))
        desk.pending.propose([ChangeText(handle.base, ((4, 5, text[4]),))], desk.view())
        found.append((await desk.run("python3 -c 'import m; print(m.x)'", check=True)).out.strip())
    desk.pending.discard()
    found.append((await desk.run("python3 -c 'import m; print(m.x)'", check=True)).out.strip())
    assert found == ["2", "3", "1", "2", "1"]


async def test_several_folders_one_of_them_inside_another(tmp_path: Path, desk: Desk):
    more = Desk(tmp_path / "more", desk.sandbox, roots=("one", "two", "one/inner"))
    more.write({"a.txt": "a\n", "inner/b.txt": "b\n", ".gitignore": "inner/\n", "inner/.gitignore": "*.log\n"})
    (tmp_path / "more" / "two" / "c.txt").write_text("c\n")
    ran = await more.run(
        "cat a.txt inner/b.txt; echo 1 >> a.txt; echo 2 >> inner/b.txt; echo x > inner/x.log",
        cwd=more.workspace.roots[0],
    )
    assert ran.out == "a\nb\n"
    assert more.said(ran.harvest) == ["~ inner/b.txt", "~ one/a.txt"]
    ran = await more.run("pwd; cat c.txt; echo 3 >> c.txt", cwd=more.workspace.roots[1])
    assert ran.out.endswith("c\n")
    assert more.said(ran.harvest) == ["~ two/c.txt"]


async def test_a_folder_of_a_repository_and_one_that_is_reached_by_a_link(tmp_path: Path, desk: Desk):
    top = tmp_path / "repo"
    (top / "pack").mkdir(parents=True)
    (top / ".gitignore").write_text("*.o\n")
    (top / "pack" / "a.txt").write_text("a\n")
    git(top, "init", "-q")
    os.symlink(top / "pack", tmp_path / "by-link")
    desk.workspace.set_roots([to_uri(str(tmp_path / "by-link"))])
    uri = to_uri(str(tmp_path / "by-link" / "a.txt"))
    desk.workspace.overlay.open(uri, "text", 1, "typed\n")
    ran = await desk.run("cat a.txt; echo more >> a.txt; echo o > x.o")
    assert ran.out == "typed\n"
    assert [edit.uri for edit in ran.harvest.edits] == [uri]
    assert str(top / ".git") in desk.sandbox.seen[-1].readable


async def test_a_link_inside_is_followed_to_the_file_that_is_open(desk: Desk):
    desk.write({"real/a.txt": "a\n"})
    os.symlink("real", desk.ws / "alias")
    desk.open("alias/a.txt", "typed\n")
    ran = await desk.run("cat real/a.txt alias/a.txt; readlink alias")
    assert ran.out == "typed\ntyped\nreal\n"
    assert ran.harvest.n_files == 0


async def test_what_must_not_be_written_is_named_for_commands_in_place(desk: Desk):
    desk.write({"a.txt": "a\n", ".env": "x"})
    ran = await desk.run("true", in_place=True)
    asked = desk.sandbox.seen[-1]
    assert asked.mounts[0].tree == asked.mounts[0].path == str(desk.ws)
    assert set(asked.read_only) == {str(desk.ws / name) for name in PROTECTED}
    assert asked.hidden == (str(desk.ws / ".env"),)
    assert ran.harvest.n_files == 0


async def test_folders_that_are_not_there(desk: Desk):
    with pytest.raises(ToolFailed, match="no folder 'nowhere'"):
        await desk.run("true", cwd=desk.uri("nowhere"))
    with pytest.raises(ToolFailed, match="not a folder of the workspace"):
        await desk.run("true", cwd="file:///usr")
    desk.workspace.set_roots([])
    with pytest.raises(ToolFailed, match="no folder of the workspace"):
        await desk.run("true")


def test_the_environment_has_no_keys_and_the_project_only_when_it_is_trusted(tmp_path: Path):
    source = {
        "PATH": "/usr/bin",
        "HOME": "/h",
        "OPENAI_API_KEY": "k",
        "GITHUB_TOKEN": "t",
        "XDG_CONFIG_HOME": "/c",
        "TMPDIR": "/t",
    }
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (tmp_path / ".venv" / "bin" / "python").write_text("")
    plain = surroundings([str(tmp_path)], "/cache", lambda: False, keeps_temp=False, source=source)
    assert (plain["PATH"], plain["XDG_CACHE_HOME"], "VIRTUAL_ENV" in plain) == ("/usr/bin", "/cache", False)
    assert not {"OPENAI_API_KEY", "GITHUB_TOKEN", "XDG_CONFIG_HOME", "TMPDIR"} & plain.keys()
    own = surroundings([str(tmp_path)], "/cache", lambda: True, keeps_temp=False, source=source)
    assert own["PATH"] == f"{tmp_path}/.venv/bin{os.pathsep}/usr/bin"
    assert own["VIRTUAL_ENV"] == f"{tmp_path}/.venv"
    os.rename(tmp_path / ".venv", tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", tmp_path / ".venv")
    assert "VIRTUAL_ENV" not in surroundings([str(tmp_path)], "/cache", lambda: True, keeps_temp=False, source=source)


def test_times_differ_by_seconds_where_texts_do():
    times = Times(lambda: 1000 * SECOND_NS)
    first = times.of("/x", "a", None)
    assert times.of("/x", "a", None) == first
    second = times.of("/x", "b", None)
    third = times.of("/x", "a", None)
    assert first // SECOND_NS < second // SECOND_NS < third // SECOND_NS


def test_no_root_is_no_workspace_of_commands():
    assert Workspace([]).roots == ()
