"""What is asked of an engine, word by word, and what is said when there is none. Engines are scripts here."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from copydesk.domain.errors import ToolFailed
from copydesk.processes import container, container_engine
from copydesk.processes.confinement import Confinement, Limits, Mount
from copydesk.processes.container_engine import (
    Empty,
    Engine,
    Shape,
    exec_words,
    inside_env,
    is_orphan,
    owner,
    run_words,
)
from copydesk.processes.devcontainer import NoImage, image_of, is_image, without_comments

ENGINE = Engine("docker", {})
EMPTY = Empty("/state/empty-file", "/state/empty-folder")
SHAPE = Shape((("/ws", "/state/copy"),), (), (), (), False, Limits(), (1000, 1001))


def words(shape: Shape = SHAPE, engine: Engine = ENGINE) -> str:
    return shlex.join(run_words(engine, shape, image="image:1", name="copydesk-x", empty=EMPTY))


def test_a_container_has_nothing_by_default():
    said = words()
    for needed in (
        "--rm",
        "--interactive",
        "--pull never",
        "--read-only",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--memory 536870912 --memory-swap 536870912",
        "--cpus 0.9",
        "--pids-limit 128",
        "--network none",
        "--user 1000:1001",
        "--mount type=bind,source=/state/copy,target=/ws",
        f"--label copydesk.server={owner()}",
    ):
        assert needed in said
    assert said.endswith(" image:1")
    assert said.count("--mount") == 1
    assert "--privileged" not in said
    assert "--volume" not in said
    assert "docker.sock" not in said


def test_the_network_and_limits_are_those_of_the_call():
    limits = Limits(memory_bytes=100, cpus=1.5, n_processes=7, temp_bytes=9)
    said = words(replace(SHAPE, network=True, limits=limits))
    assert "--network" not in said
    for needed in ("--memory 100 --memory-swap 100", "--cpus 1.5", "--pids-limit 7", "size=9"):
        assert needed in said
    nothing = words(replace(SHAPE, limits=Limits(memory_bytes=None, n_processes=None)))
    assert "--memory 536870912" in nothing
    assert "--pids-limit 128" in nothing


def test_hidden_and_guarded_paths_stand_after_what_they_are_in():
    shape = replace(SHAPE, masks=(("/ws/.env", False), ("/ws/keys", True)), guarded=(("/ws/.git", "/state/copy/.git"),))
    mounts = [word for word in run_words(ENGINE, shape, image="i", name="n", empty=EMPTY) if word.startswith("type=")]
    assert mounts == [
        "type=bind,source=/state/copy,target=/ws",
        "type=bind,source=/state/copy/.git,target=/ws/.git,readonly",
        "type=bind,source=/state/empty-file,target=/ws/.env,readonly",
        "type=bind,source=/state/empty-folder,target=/ws/keys,readonly",
    ]


def test_paths_with_commas_and_quotes_stay_one_path():
    shape = replace(SHAPE, binds=(('/a,b"c', "/d,e"),))
    mounts = [word for word in run_words(ENGINE, shape, image="i", name="n", empty=EMPTY) if word.startswith("type=")]
    assert mounts == ['type=bind,"source=/d,e","target=/a,b""c"']


def test_who_the_user_is_depends_on_the_engine():
    rootless_podman = Engine("podman", {}, is_podman=True, is_rootless=True)
    assert "--user 1000:1001" in words(engine=rootless_podman)
    assert "--userns keep-id" in words(engine=rootless_podman)
    assert "--user 0:0" in words(engine=Engine("docker", {}, is_rootless=True))  # whom it maps to the person
    assert "label=disable" in words(engine=Engine("docker", {}, has_selinux=True))
    assert "seccomp=/state/profile" in words(engine=Engine("podman", {}, profile="/state/profile"))


def test_the_environment_of_the_machine_stays_outside():
    env = {
        "PATH": "/x",
        "HOME": "/home/me",
        "LD_PRELOAD": "x",
        "XDG_DATA_HOME": "/d",
        "XDG_CACHE_HOME": "/cache/x",
        "A": "b",
    }
    asked = Confinement((), cwd="/ws", env=env, writable=("/cache",))
    assert inside_env(asked) == {"A": "b", "XDG_CACHE_HOME": "/cache/x", "HOME": "/tmp", "TMPDIR": "/tmp"}
    said = exec_words("name", asked, "wrapper", ["echo", "--env", "x"])
    assert said[:3] == ["exec", "--workdir", "/ws"]
    assert said[-9:] == ["name", "sh", "-c", "wrapper", "sh", str(8 * 1024**3 // 512), "echo", "--env", "x"]


def test_a_shape_is_what_cannot_be_changed_later(tmp_path: Path):
    tree = tmp_path / "copy"
    tree.mkdir()
    (tree / ".env").write_text("secret")
    asked = Confinement((Mount("/ws", tree=str(tree)),), cwd="/ws", hidden=("/ws/.env", "/ws/none", "/elsewhere/.env"))
    shape = container.shape_of(asked)
    assert shape.masks == (("/ws/.env", False),)
    assert shape.user == (tree.stat().st_uid, tree.stat().st_gid)
    assert container.shape_of(replace(asked, cwd="/ws/sub", env={"A": "b"})) == shape
    assert container.shape_of(replace(asked, network=True)) != shape
    assert container.shape_of(replace(asked, limits=Limits(memory_bytes=1))) != shape
    (tree / "new").write_text("other")
    (tree / "new").rename(tree / ".env")
    assert container.shape_of(asked) != shape
    with pytest.raises(ToolFailed, match="shows copies"):
        container.shape_of(Confinement((Mount("/ws", lowers=("/ws",)),), cwd="/ws"))


def test_whose_containers_are_orphans():
    node = owner().rpartition(":")[0]
    assert not is_orphan(owner())
    assert is_orphan(f"{node}:4194303\n")
    for other in ("elsewhere:4194303", "", "x", f"{node}:", f"{node}:me"):
        assert not is_orphan(other)


# --- engines that are scripts ---


def put(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


async def test_without_any_engine(programs: Path, tmp_path: Path):
    said = await container.attempt(str(tmp_path), "image")
    assert said == (
        "no container engine answers (docker is not installed; podman is not installed). Install podman, or start Docker"
    )


async def test_an_engine_that_does_not_answer_gives_way_to_one_that_does(programs: Path, tmp_path: Path):
    put(programs, "docker", "echo 'Cannot connect to the Docker daemon.' >&2; exit 1")
    assert "docker does not work: Cannot connect to the Docker daemon." in str(await container_engine.find_engine())
    put(programs, "podman", 'case $1 in version) echo "Podman Engine";; info) echo "true false";; *) exit 1;; esac')
    found = await container_engine.find_engine()
    assert isinstance(found, Engine)
    assert (Path(found.program).name, found.is_podman, found.is_rootless, found.has_selinux) == (
        "podman",
        True,
        True,
        False,
    )
    assert "there is no image 'image:2' here" in str(await container.attempt(str(tmp_path), "image:2"))


async def test_docker_keeps_its_host_and_sees_no_key(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///here.sock")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    put(
        programs,
        "docker",
        f'/usr/bin/env > {tmp_path}/env; case "$*" in version) ;; *Host*) exit 1;; *) echo "[name=rootless name=selinux]";; esac',
    )
    found = await container_engine.find_engine()
    assert isinstance(found, Engine)
    assert (found.is_podman, found.is_rootless, found.has_selinux) == (False, True, True)
    env = (tmp_path / "env").read_text()
    assert "DOCKER_HOST=unix:///here.sock" in env
    assert "sk-secret" not in env


async def test_an_image_that_does_not_work_is_said(programs: Path, tmp_path: Path):
    script = """
case $1 in
  version) echo x;; info) echo "[]";; image) echo sha256:1;; ps|rm) ;;
  run) echo "Error: sh: executable file not found in \\$PATH" >&2; exit 127;;
esac"""
    put(programs, "docker", script)
    said = str(await container.attempt(str(tmp_path), "scratch:1"))
    assert said.startswith("a container of 'scratch:1' was tried and does not work: ")
    assert "executable file not found" in said


# --- dev containers ---


def dev(folder: Path, text: str, place: str = ".devcontainer/devcontainer.json") -> str:
    path = folder / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return str(folder)


def test_the_image_of_a_dev_container(tmp_path: Path):
    assert image_of(str(tmp_path)) is None
    text = """// a comment with "quotes"
{
  /* and "another" */ "name": "a // b /* c */, }",
  "image": "mcr.microsoft.com/devcontainers/python:1-3.12-bookworm", // this one
  "features": {"x": [1, 2, ], },
}
"""
    assert image_of(dev(tmp_path, text)) == "mcr.microsoft.com/devcontainers/python:1-3.12-bookworm"


def test_the_other_place_of_a_dev_container(tmp_path: Path):
    assert image_of(dev(tmp_path, '\ufeff{"image": "debian:12"}', ".devcontainer.json")) == "debian:12"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"build": {"dockerfile": "Dockerfile"}}', "files that build one are not supported"),
        ('{"dockerComposeFile": "compose.yml"}', "files that build one are not supported"),
        ('{"image": "--privileged"}', "no plain name"),
        ('{"image": "${localEnv:IMAGE}"}', "no plain name"),
        ('{"image": 3}', "has no `image`"),
        ("[]", "has no `image`"),
        ("{", "is not JSON with comments"),
        ("\udcff", "is not JSON with comments"),
    ],
)
def test_dev_containers_that_name_none(tmp_path: Path, text: str, why: str):
    path = tmp_path / ".devcontainer.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(NoImage, match=why.replace("`", "`")):
        image_of(str(tmp_path))


def test_names_of_images():
    for name in ("a", "debian:12", "ghcr.io/a/b@sha256:0123", "localhost:5000/a_b-c.d"):
        assert is_image(name)
    for name in ("", "-v", "/x", "a b", "a;b", "a\n", "$x", "a" * 500):
        assert not is_image(name)


def test_comments_in_strings_stay():
    assert without_comments('{"a": "//b, }", /* "x" */ "c": [1,],}') == '{"a": "//b, }",   "c": [1]}'
