"""Commands over layers: they see the view, the real tree is left alone, and what they change comes back as edits."""

import stat
from pathlib import Path

import anyio
import pytest

from tests.support.plain_sandbox import NEEDS_MOUNTS
from tests.support.shadow_desk import Desk

pytestmark = NEEDS_MOUNTS


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_a_command_sees_unsaved_and_pending_text_and_not_what_is_deleted(desk: Desk):
    desk.write({"a.txt": "saved\n", "b.txt": "b\n", "c.txt": "c\n"})
    desk.open("a.txt", "typed\n")
    from copydesk.domain.edits import CreateFile, DeleteFile

    view = desk.view()
    desk.pending.propose(
        [CreateFile(desk.uri("new/d.txt"), "d\n"), DeleteFile(view.read(desk.uri("c.txt")).base)], view
    )
    ran = await desk.run("cat a.txt b.txt new/d.txt; ls; pwd")
    assert ran.out.split() == ["typed", "b", "d", "a.txt", "b.txt", "new", str(desk.ws)]
    assert ran.harvest.edits == ()
    assert ran.harvest.side_files == ()


async def test_what_it_changes_makes_and_deletes_is_proposed_and_the_next_one_sees_it(desk: Desk):
    desk.write({"a.txt": "one\ntwo\nthree\n", "b.txt": "b\n", "sub/c.txt": "c\n"})
    before = desk.state()
    ran = await desk.run("sed -i s/two/2/ a.txt; rm b.txt; mkdir -p x/y; echo new > x/y/z.txt; cat sub/c.txt")
    assert desk.said(ran.harvest) == ["+ x/y/z.txt", "- b.txt", "~ a.txt"]
    assert desk.state() == before
    again = await desk.run("cat a.txt x/y/z.txt; ls b.txt")
    assert again.out == "one\n2\nthree\nnew\n"
    assert again.exit_code == 2
    assert again.harvest.edits == ()


async def test_moves_are_found_by_content(desk: Desk):
    desk.write({"d/one.py": "def one():\n    return 1\n", "d/two.py": "x = 1\ny = 2\nz = 3\n", "e.py": "e = 'e'\n"})
    ran = await desk.run("mv d f; mv e.py g.py; echo 'w = 4' >> f/two.py")
    assert desk.said(ran.harvest) == ["d/one.py > f/one.py", "d/two.py > f/two.py", "e.py > g.py", "~ f/two.py"]
    again = await desk.run("find . -type f | sort; cat f/two.py")
    assert again.out == "./f/one.py\n./f/two.py\n./g.py\nx = 1\ny = 2\nz = 3\nw = 4\n"


async def test_side_files_for_what_no_edit_carries(desk: Desk):
    desk.write({"a.sh": "echo\n", "p.bin": b"\0\1", "t.txt": "t\n"})
    ran = await desk.run(r"chmod +x a.sh; printf '\0\2' > p.bin; printf '\0' > q.bin; ln -s t.txt l; rm -f nothing")
    assert desk.said(ran.harvest) == ["link l", "mode a.sh", "write p.bin", "write q.bin"]
    again = await desk.run(r"./a.sh && cat l && od -An -tx1 p.bin q.bin; rm p.bin l")
    assert again.out.split() == ["t", "00", "02", "00"]
    assert desk.said(again.harvest) == ["delete l", "delete p.bin"]


async def test_what_git_ignores_is_kept_for_later_commands_and_never_harvested(desk: Desk):
    desk.write({".gitignore": "build/\n*.log\n", "src/a.py": "a\n", "build/old.o": "old\n", ".git/HEAD": "ref: x\n"})
    ran = await desk.run(
        "echo o > build/new.o; rm build/old.o; echo l > src/x.log; mkdir -p src/__pycache__; touch src/__pycache__/a.pyc"
    )
    assert ran.harvest.edits == ()
    assert any("build" in note and "src/x.log" in note for note in ran.harvest.notes)
    again = await desk.run("ls build; cat src/x.log; ls src/__pycache__; echo more >> src/x.log")
    assert again.out.split() == ["new.o", "l", "a.pyc"]
    third = await desk.run("cat src/x.log")
    assert third.out == "l\nmore\n"
    (desk.ws / "build" / "old.o").write_text("rebuilt by the person\n")
    assert (await desk.run("cat build/old.o build/new.o")).out == "rebuilt by the person\no\n"


async def test_a_folder_that_is_replaced(desk: Desk):
    desk.write({"d/a.txt": "a\n", "d/b.txt": "b\n", "d/sub/c.txt": "c\n"})
    ran = await desk.run("rm -rf d; mkdir d; echo new > d/a.txt")
    assert desk.said(ran.harvest) == ["- d/b.txt", "- d/sub/c.txt", "~ d/a.txt"]
    assert (await desk.run("find d -type f; cat d/a.txt")).out == "d/a.txt\nnew\n"


async def test_touching_and_rewriting_the_same_is_no_change(desk: Desk):
    desk.write({"a.txt": "a\n", "b.txt": "b\n"})
    desk.open("b.txt", "typed\n")
    ran = await desk.run("touch a.txt; cp a.txt x; cp x a.txt; rm x; cat b.txt > y; cp y b.txt; rm y; chmod 600 a.txt")
    assert ran.harvest.edits == ()
    assert ran.harvest.side_files == ()
    assert ran.harvest.notes == ("Of modes only the executable bit is kept, as in git: 'a.txt' keep theirs.",)


async def test_the_state_folder_is_private_and_gone_afterwards(desk: Desk):
    desk.write({"a.txt": "a\n"})
    await desk.run("echo b > b.txt; mkdir locked; echo c > locked/c; chmod 500 locked")
    [base] = (desk.folder / "state" / "shadow").iterdir()
    assert stat.S_IMODE(base.stat().st_mode) == 0o700
    with anyio.fail_after(10):
        while list(base.glob("view-*")):  # noqa: ASYNC110  a thread takes them away
            await anyio.sleep(0.01)
    await desk.runner.aclose()
    assert not base.exists()
