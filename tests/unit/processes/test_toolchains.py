"""Which folders a command is shown beside its workspace, and which a project must not get it to be shown."""

from pathlib import Path

import pytest

from copydesk.processes.toolchains import Toolchains, find


class Home:
    """A home with some of what people have in theirs."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "home"
        self.project = self.path / "code" / "project"
        self.project.mkdir(parents=True)
        self.file(".ssh/id", ".aws/credentials", "code/other/secret.txt", "code/other/bin/run", ".npmrc")

    def file(self, *names: str) -> Path:
        for name in names:
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
            path.chmod(0o755)
        return self.path / names[-1]

    def python(self, prefix: str) -> Path:
        return self.file(f"{prefix}/lib/python3.12/os.py", f"{prefix}/include/Python.h", f"{prefix}/bin/python3.12")

    def find(self, *path: str, **environ: str) -> Toolchains:
        return find(":".join([*path, "/usr/bin"]), (str(self.project),), environ, str(self.path))

    def names(self, found: Toolchains) -> set[str]:
        return {str(Path(each).relative_to(self.path)) for each in found.readable}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path.resolve())


def test_the_systems_folders_need_not_be_named(home: Home) -> None:
    assert home.find() == Toolchains()


def test_stores_of_programs_are_shown_without_their_keys(home: Home) -> None:
    home.file(".cargo/bin/cargo", ".cargo/registry/x", ".cargo/credentials.toml", ".rustup/toolchains/x/bin/rustc")
    assert home.names(home.find()) == {".cargo/bin", ".cargo/registry", ".rustup/toolchains"}


def test_keys_in_a_folder_that_is_shown_are_hidden(home: Home) -> None:
    home.file(".pyenv/shims/python", ".cargo/credentials")
    found = home.find(PYENV_ROOT=str(home.path / ".pyenv"), GOROOT=str(home.path / ".cargo"))
    assert home.names(found) == {".pyenv", ".cargo"}
    assert found.hidden == (str(home.path / ".cargo/credentials"),)
    assert found.env["PYENV_ROOT"] == str(home.path / ".pyenv")


def test_an_installation_is_shown_by_its_parts(home: Home) -> None:
    home.file("opt/node/bin/node", "opt/node/lib/node_modules/npm/x", "opt/node/.env", "opt/node/notes/secret")
    assert home.names(home.find(str(home.path / "opt/node/bin"))) == {"opt/node/bin", "opt/node/lib"}


def test_shims_of_another_home_come_with_what_they_start(home: Home) -> None:
    """The shell of a service, or of a test, has another HOME than the person whose pyenv stands in its PATH."""
    shims = home.file("elsewhere/.pyenv/versions/3.12/bin/python", "elsewhere/.pyenv/libexec/pyenv",
                      "elsewhere/.pyenv/shims/python").parent  # fmt: skip
    assert home.names(home.find(str(shims))) == {"elsewhere/.pyenv"}
    tools = home.file("tools/versions/1/x", "tools/libexec/x", "tools/shims/python").parent
    assert home.names(home.find(str(tools))) == {"tools/shims"}, "nobody knows what that is"


def test_a_link_on_the_path_leads_to_its_program_only(home: Home) -> None:
    links = home.path / "bin"
    links.mkdir()
    (links / "run").symlink_to(home.path / "code/other/bin/run")
    assert home.names(home.find(str(links))) == {"bin", "code/other/bin/run"}


def test_the_home_itself_is_never_shown(home: Home) -> None:
    home.file("bin/x", "lib/y", ".local/bin/z", ".local/lib/python3.12/site-packages/w", ".local/share/keyrings/key")
    found = home.find(str(home.path), str(home.path / "bin"), str(home.path / ".local/bin"), str(home.path.parent))
    assert home.names(found) == {"bin", ".local/bin", ".local/lib"}


def test_the_interpreter_of_a_virtual_environment_is_found_by_its_links(home: Home) -> None:
    python = home.python("pythons/3.12.1")
    (home.path / "pythons/3.12").symlink_to("3.12.1")
    scripts = home.project / ".venv/bin"
    scripts.mkdir(parents=True)
    (scripts / "python").symlink_to(home.path / "pythons/3.12/bin" / python.name)
    (home.project / ".venv/pyvenv.cfg").write_text(f"home = {home.path}/pythons/3.12/bin\n")
    names = home.names(home.find())
    assert {"pythons/3.12.1/bin", "pythons/3.12.1/lib", "pythons/3.12/bin", "pythons/3.12/lib"} <= names
    assert not any(name in ("pythons", "pythons/3.12", "pythons/3.12.1") for name in names)


@pytest.mark.parametrize("target", [".ssh", ".aws", "code/other", "."])
def test_a_project_cannot_name_a_folder_to_be_shown(target: str, home: Home) -> None:
    """By a configuration, by links of its environment, by programs of it that are links."""
    wanted = home.path / target
    (home.file(f"{target}/bin/python") if target != "." else wanted)
    scripts = home.project / ".venv/bin"
    scripts.mkdir(parents=True)
    (home.project / ".venv/pyvenv.cfg").write_text(f"home = {wanted}/bin\nhome = {wanted}\n")
    (scripts / "python").symlink_to(wanted / "bin/python")
    (scripts / "tool").symlink_to(home.path / ".ssh/id")
    (home.project / "bin").symlink_to(wanted)
    alias = home.path / "alias"
    alias.symlink_to(home.project)
    paths = [str(scripts), str(home.project / "bin"), str(alias / "bin"), str(alias / ".venv/bin")]
    assert home.names(home.find(*paths)) == set()
