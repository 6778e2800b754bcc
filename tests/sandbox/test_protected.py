"""What is hidden and what is read-only inside the workspace, each attacked also where it is neither."""

from dataclasses import replace
from pathlib import Path

import pytest

from copydesk.processes.confinement import Confinement, Sandbox
from tests.sandbox.boxes import BACKENDS, box_for
from tests.sandbox.ground import CANARY, Ground, run, shell

READS = (
    "cat .env",
    "base64 .env | base64 -d",
    "cp .env x; cat x",
    "mv .env x; cat x",
    "ln .env x; cat x",
    "ln -s .env x; cat x",
    "grep -r KEY . || true",
    "tar cf - . | grep -a KEY",
    'cat "/proc/self/root$PWD/.env"',
    "cat sub/../.env",
    "while read -r line; do echo $line; done < .env",
    "rm -f .env; cat .env",
    "dd if=.env 2> /dev/null",
)
WRITES = {
    "a hook": "echo x > .git/hooks/post-commit",
    "a hook with .git moved aside": "mv .git x; mkdir -p .git/hooks; echo x > .git/hooks/post-commit",
    "a hook with the hooks moved aside": "mv .git/hooks .git/x; mkdir .git/hooks; echo x > .git/hooks/post-commit",
    "a hook with .git deleted": "rm -rf .git; mkdir -p .git/hooks; echo x > .git/hooks/post-commit",
    "a hook over a link": "rm -rf .git/hooks; ln -s ../sub .git/hooks; echo x > sub/post-commit",
    "a hook by mounting": "mount --bind sub .git/hooks; mount -o remount,rw .git/hooks; echo x > .git/hooks/post-commit",
}


def _protecting(confinement: Confinement, here: Ground, *names: str) -> Confinement:
    return replace(confinement, read_only=tuple(str(here.real / name) for name in names))


async def _box(backend: str, state: Path) -> Sandbox:
    box = await box_for(backend, state)
    if box.placing == "none":
        pytest.skip("nothing can be mounted: what is hidden must not be in the copy, and there is no in-place command")
    return box


@pytest.mark.parametrize("script", READS)
@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_hidden_file_reads_as_empty(backend: str, script: str, here: Ground, state: Path) -> None:
    box = await _box(backend, state)
    asked = here.confinement(box)
    hidden = replace(asked, hidden=(str(here.real / ".env"),))
    ran = await run(box, here, shell(f"echo tried; {script}"), hidden)
    assert "tried" in ran.out, ran
    assert CANARY not in ran.out, ran
    assert (here.real / ".env").read_text() == f"KEY={CANARY}\n"


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_file_that_is_not_hidden_is_read(backend: str, here: Ground, state: Path) -> None:
    box = await _box(backend, state)
    ran = await run(box, here, shell(f"{READS[0]}; {READS[1]}; {READS[6]}"))
    assert ran.out.count(CANARY) == 3, ran


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_hidden_folder_is_empty(backend: str, here: Ground, state: Path) -> None:
    box = await _box(backend, state)
    asked = here.confinement(box)
    hidden = replace(asked, hidden=(str(here.real / "sub"), str(here.real / "not there"), str(here.real / "link")))
    ran = await run(
        box, here, shell("ls -A sub; echo x > sub/x; cat sub/deep; chmod 777 sub && echo x > sub/x"), hidden
    )
    assert ran.out == "", ran
    assert (await run(box, here, shell("ls -A sub"))).out == "deep\n"


@pytest.mark.parametrize("script", WRITES.values(), ids=WRITES.keys())
@pytest.mark.parametrize("backend", BACKENDS)
async def test_what_is_read_only_holds_on_the_real_tree(backend: str, script: str, here: Ground, state: Path) -> None:
    box = await _box(backend, state)
    asked = here.confinement(box, in_place=True)
    ran = await run(box, here, shell(script), _protecting(asked, here, ".git/hooks", ".git/config"))
    assert ran.err, ran
    assert not (here.real / ".git/hooks/post-commit").exists()
    assert not (here.real / ".git/hooks").is_symlink()
    if "mount" not in script:
        await run(box, here, shell(script), asked)
        assert (here.real / ".git/hooks/post-commit").exists()


@pytest.mark.parametrize("backend", BACKENDS)
async def test_what_may_be_written_beside_it_is(backend: str, here: Ground, state: Path) -> None:
    box = await _box(backend, state)
    asked = _protecting(here.confinement(box, in_place=True), here, ".git/hooks", ".git/config")
    ran = await run(box, here, shell("echo changed > seen; echo x > .git/index; echo x > new; rm sub/deep"), asked)
    assert (ran.exit_code, ran.err) == (0, "")
    assert (here.real / "seen").read_text() == "changed\n"
    assert (here.real / ".git/index").exists()
    assert not (here.real / "sub/deep").exists()


@pytest.mark.parametrize("backend", BACKENDS)
async def test_what_is_not_there_yet_cannot_be_made_and_leaves_nothing(backend: str, here: Ground, state: Path) -> None:
    box = await _box(backend, state)
    names = (".mcp.json", ".vscode/settings.json", "sub/.idea")
    asked = _protecting(here.confinement(box, in_place=True), here, *names)
    script = "echo x > .mcp.json; mkdir -p .vscode sub/.idea; echo x > .vscode/settings.json; echo x > sub/.idea/x"
    before = sorted(here.real.rglob("*"))
    await run(box, here, shell(script), asked)
    assert sorted(here.real.rglob("*")) == before
    await run(box, here, shell(script), here.confinement(box, in_place=True))
    assert all((here.real / name).exists() for name in names)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_in_the_shadow_it_cannot_be_moved_aside_either(backend: str, here: Ground, state: Path) -> None:
    box = await _box(backend, state)
    asked = _protecting(here.confinement(box), here, ".git/hooks", ".mcp.json")
    ran = await run(box, here, shell("mv .git x || echo kept; echo x > .git/hooks/x || echo kept; ls -A"), asked)
    assert ran.out.count("kept") == 2, ran
    assert ".mcp.json" not in ran.out
