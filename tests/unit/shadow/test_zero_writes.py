"""The person's tree sees no write before accept: the kernel itself is asked, and every byte, mode and time compared."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.plain_sandbox import NEEDS_MOUNTS, SANDBOXES, TreeSandbox
from tests.support.shadow_desk import Desk
from tests.support.watching import watched

COMMANDS = {
    "formatter": "sed -i 's/  */ /g' src/a.py src/b.py && sort -o list.txt list.txt",
    "generator": "mkdir -p gen/x && for n in $(seq 50); do echo $n > gen/x/$n.txt; done && echo '# made' >> src/a.py",
    "git mv": "git mv src/a.py src/c.py && git add -A && git -c user.name=x -c user.email=x@x commit -qm x",
    "git checkout": "git checkout -q -b other && git reset -q --hard && git clean -qfdx",
    "installs": "mkdir -p node_modules/p && echo 1 > node_modules/p/i.js && mkdir -p .venv/lib && echo x > .venv/lib/y.py",
    "rm": "rm -rf * .gitignore .venv",
    "chmod": "chmod -R 777 . && touch src/*.py && ln -sf /etc/passwd src/a.py",
    "moves": "mv src lib && mv list.txt src && cp -r lib lib2",
    "in the background": "(sleep 0.05; echo late > src/a.py) & echo early > src/b.py",
}


@pytest.fixture(params=[*SANDBOXES, pytest.param(lambda: TreeSandbox("bind"), id="bound copies", marks=NEEDS_MOUNTS)])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    made = Desk(tmp_path, request.param())
    made.write(
        {
            ".gitignore": ".venv/\nnode_modules/\n",
            "src/a.py": "a  =  1\n",
            "src/b.py": "b  =  2\n",
            "list.txt": "b\na\n",
            "x.bin": b"\0\1",
            ".venv/lib/old.py": "old\n",
        }
    )
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@x"]
    for line in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *line], cwd=made.ws, check=True, capture_output=True)
    made.open("src/b.py", "typed = 2\n")
    return made


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
async def test_no_command_writes_the_tree(desk: Desk, command: str):
    before = desk.state()
    with watched(desk.ws) as events:
        ran = await desk.run(command)
        await desk.run("ls -R > /dev/null", propose=False)
    assert ran.exit_code == 0, ran.err
    assert events == []
    assert desk.state() == before
    assert ran.harvest.n_files or ran.harvest.notes


def test_the_watch_sees_what_the_same_commands_do_without_a_shadow(desk: Desk):
    """The control: run plainly, each of them is seen."""
    for name, command in COMMANDS.items():
        folder = desk.folder / "control"
        shutil.copytree(desk.ws, folder, symlinks=True)
        with watched(folder) as events:
            subprocess.run(["bash", "-c", f"{command}; wait"], cwd=folder, check=True, capture_output=True)
        assert events, name
        shutil.rmtree(folder)
