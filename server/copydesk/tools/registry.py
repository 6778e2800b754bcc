"""The tools a session has, by name, in an order that never changes: they are the stable prefix of every request.

Nothing registers itself: `default_tools` composes them from the collaborators it is given. Start with `Toolbox`.
"""

import difflib
from collections.abc import Callable, Iterable

from copydesk.domain.errors import InvalidArguments
from copydesk.domain.ports import CodeIntel, Tool
from copydesk.domain.tools import ToolSpec
from copydesk.tools.asking import ask_user
from copydesk.tools.editing import edit_file, write_file
from copydesk.tools.filing import delete_file, move_file
from copydesk.tools.git_changing import changing_tools
from copydesk.tools.git_reading import reading_tools
from copydesk.tools.intelligence import code_intel, definitions, diagnostics
from copydesk.tools.notebooks import with_notebooks
from copydesk.tools.patching import apply_patch
from copydesk.tools.reading import read_file
from copydesk.tools.refactoring import refactor
from copydesk.tools.searching import glob, grep, list_dir, tree
from copydesk.tools.shell import shell, shell_output, shell_stop
from copydesk.workspace.git.running import Git
from copydesk.workspace.uris import to_path
from copydesk.workspace.workspace import Workspace


class Toolbox:
    """A fixed set of tools. Names are unique."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools = {tool.spec.name: tool for tool in tools}
        self._specs = tuple(tool.spec for tool in self._tools.values())

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return self._specs

    def get(self, name: str) -> Tool | None:
        return self._tools.get(name)

    def find(self, name: str) -> Tool:
        """The tool of this name. Raises `InvalidArguments` that names the nearest one, and all there are."""
        if tool := self._tools.get(name):
            return tool
        near = self.suggest(name)
        said = f" Did you mean {near}?" if near else ""
        raise InvalidArguments(f"There is no tool {name!r}.{said}", advice=f"The tools are: {', '.join(self._tools)}.")

    def suggest(self, name: str) -> str:
        """The name that was most likely meant; '' when none is near."""
        plain = name.strip().lower().replace("-", "_").rpartition(".")[2]
        by_letters = {known.replace("_", ""): known for known in self._tools}
        near = difflib.get_close_matches(plain.replace("_", ""), by_letters, n=1, cutoff=0.6)
        return by_letters[near[0]] if near else ""


def default_tools(
    workspace: Workspace, code: CodeIntel, trusted: Callable[[str], bool] = lambda root: False
) -> tuple[Tool, ...]:
    """Every tool of this version, in the order the model sees them. `trusted` is asked with a folder's path."""
    git = Git(lambda: tuple(filter(None, map(to_path, workspace.roots))), trusted)
    return (
        with_notebooks(read_file()),
        list_dir(workspace),
        tree(workspace),
        glob(workspace),
        grep(workspace),
        definitions(code),
        code_intel(code),
        diagnostics(code),
        with_notebooks(edit_file()),
        with_notebooks(write_file()),
        delete_file(),
        move_file(),
        with_notebooks(apply_patch()),
        refactor(code),
        shell(),
        shell_output(),
        shell_stop(),
        *reading_tools(git),
        *changing_tools(git),
        ask_user(),
    )
