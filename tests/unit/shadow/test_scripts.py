"""Random scripts over random trees: the shadow sees what a plain folder has, and what it gives back makes the same.

The same script runs plainly in a copy of the folder. After each command both must look alike from inside, and the
edits and side files of the shadow, applied to a copy of what it saw, must make what the plain run made.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from copydesk.domain.commands import Harvest
from copydesk.domain.edits import ChangeText, CreateFile, DeleteFile, MoveFile
from copydesk.text.edits import apply
from copydesk.workspace.uris import to_path
from tests.support.examples import examples
from tests.support.plain_sandbox import NEEDS_MOUNTS, OverlaySandbox, TreeSandbox
from tests.support.shadow_desk import Desk

FILES = ["a.txt", "b.py", "d/a.txt", "d/b.txt", "d/e/c.txt", "x.bin", "build/o", "d/build/p", "n.log", "l", "new/f.txt"]
FOLDERS = ["d", "d/e", "build", "new", "d/build", "m"]
WORDS = ["one", "two", "drei", "ünf"]

DUMP = (
    "find . -name .git -prune -o -type l -printf 'L %p %l\\n' -o -type f -perm -100 -printf 'X %p\\n' -o -name . | sort;"
    " find . -name .git -prune -o -type f -print0 | sort -z | xargs -0 -r sha256sum"
)

PLAYED = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],  # each example runs shells: shrinking takes very long
}

_file = st.sampled_from(FILES)
_folder = st.sampled_from(FOLDERS)
_word = st.sampled_from(WORDS)
_apart = st.tuples(_folder, _folder).filter(lambda pair: not f"{pair[1]}/".startswith(f"{pair[0]}/"))
"""What a copy of a folder into itself makes depends on the order in which the disk lists it."""
_ops = st.one_of(
    st.builds("mkdir -p $(dirname {0}); printf '{1}\\n{2}\\n' > {0}".format, _file, _word, _word),
    st.builds("printf '{1}\\n' >> {0}".format, _file, _word),
    st.builds("sed -i s/{1}/changed/ {0}".format, _file, _word),
    st.builds("rm -f {0}".format, _file),
    st.builds("rm -rf {0}".format, _folder),
    st.builds("mkdir -p {0}".format, _folder),
    st.builds("mv -f {0} {1}".format, _file, _file),
    st.builds("cp -f {0} {1}".format, _file, _file),
    st.builds("mv {0} {1}".format, _folder, _folder),
    _apart.map(lambda pair: f"cp -r {pair[0]} {pair[1]}"),
    st.builds("ln -sfn {0} {1}".format, _file, _file),
    st.builds("chmod {1} {0}".format, _file, st.sampled_from(["+x", "-x"])),
    st.builds("printf '\\000{1}' > {0}".format, _file, _word),
    st.builds("touch {0}".format, _file),
    st.builds("rmdir {0}".format, _folder),
    st.builds("printf '\\357\\273\\277{1}\\n' > {0}".format, _file, _word),
    st.builds("rm -rf {0}; printf {1} > {0}".format, _folder, _word),
    st.builds("rm -rf {0}; mkdir -p {0}; printf {1} > {0}/z".format, _file, _word),
)
_script = st.lists(_ops, min_size=1, max_size=5).map(lambda ops: "\n".join(f"{{ {op}; }} 2>/dev/null" for op in ops))
_tree = st.dictionaries(_file.filter(lambda name: name != "l"), st.lists(_word, max_size=4).map("\n".join), max_size=8)


def plainly(script: str, folder: Path) -> str:
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    subprocess.run(["bash", "-c", script], cwd=folder, check=False, env=env, capture_output=True)
    found = subprocess.run(["bash", "-c", DUMP], cwd=folder, check=False, env=env, capture_output=True, text=True)
    return found.stdout


def put_down(desk: Desk, harvest: Harvest, folder: Path) -> None:
    """The edits and side files, as whoever accepts all of them would write them."""

    def place(uri: str) -> Path:
        return folder / Path(to_path(uri) or "").relative_to(desk.ws)

    for edit in harvest.edits:
        path = place(edit.uri)
        match edit:
            case MoveFile():
                place(edit.destination).parent.mkdir(parents=True, exist_ok=True)
                os.rename(path, place(edit.destination))
            case ChangeText():
                assert not path.is_symlink()
                path.write_bytes(apply(path.read_bytes().decode(), edit.spans).encode())
            case CreateFile():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)  # only the shadow knows it; what of it counts is compared below
                assert not os.path.lexists(path)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(edit.text.encode())
            case DeleteFile():
                path.unlink()
    for side in harvest.side_files:
        path = place(side.uri)
        if side.kind == "mode":
            path.chmod(side.mode or 0)
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)  # folders are empty by now: asserted by what comes of it
        path.unlink(missing_ok=True)
        if side.kind == "link":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(side.target)
        elif side.kind == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(desk.runner.blobs.get(side.blob) or b"?")
            if side.mode:
                path.chmod(side.mode)


def kept(dump: str) -> list[str]:
    """What is not ignored of a dump."""
    return [
        line
        for line in dump.splitlines()
        if "/build/" not in line and not line.split(" ")[1].endswith(".log") and "n.log" not in line
    ]


def paths(dump: str) -> list[str]:
    return sorted(dump.splitlines())


async def check(desk: Desk, tree: dict[str, str], scripts: list[str]) -> None:
    desk.write({".gitignore": "build/\n*.log\n", **tree})
    plain = desk.folder / "plain"
    shutil.copytree(desk.ws, plain, symlinks=True)
    before = desk.state()
    for script in scripts:
        applied = desk.folder / "applied"
        shutil.rmtree(applied, ignore_errors=True)
        shutil.copytree(plain, applied, symlinks=True)
        ran = await desk.run(script)
        expected = plainly(script, plain)
        put_down(desk, ran.harvest, applied)
        assert kept(plainly("true", applied)) == kept(expected)
        inside = await desk.run(DUMP)
        assert inside.harvest.n_files == 0
        assert paths(inside.out) == paths(expected)
    assert desk.state() == before


@NEEDS_MOUNTS
@examples(100, **PLAYED)
@given(tree=_tree, scripts=st.lists(_script, min_size=1, max_size=3))
async def test_over_layers(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, str], scripts: list[str]):
    await check(Desk(tmp_path_factory.mktemp("desk"), OverlaySandbox()), tree, scripts)


@examples(60, **PLAYED)
@given(tree=_tree, scripts=st.lists(_script, min_size=1, max_size=3))
async def test_in_copies(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, str], scripts: list[str]):
    await check(Desk(tmp_path_factory.mktemp("desk"), TreeSandbox()), tree, scripts)


@NEEDS_MOUNTS
@examples(30, **PLAYED)
@given(tree=_tree, scripts=st.lists(_script, min_size=1, max_size=3))
async def test_in_copies_at_the_real_path(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, str], scripts: list[str]
):
    await check(Desk(tmp_path_factory.mktemp("desk"), TreeSandbox("bind")), tree, scripts)
