"""A workspace in memory: a `FileSource` of a dict, and a `Work` over it that applies what is proposed at once.

Passes the same contract tests as the real chain (tests/unit/contracts). Paths are relative to `file:///w`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from posixpath import normpath

from copydesk.domain.commands import NoShell, Shell
from copydesk.domain.edits import ChangeText, CreateFile, DeleteFile, MoveFile, PendingEdit
from copydesk.domain.errors import FileExists, MissingFile, OutsideWorkspace, StaleEdit, UnreadableFile
from copydesk.domain.messages import Problem
from copydesk.domain.ports import Entry, FileHandle, Question, Tool, Work
from copydesk.domain.secrets import NoSecrets, Secrets
from copydesk.domain.tools import ToolOutput
from copydesk.text.edits import apply
from copydesk.text.hashing import content_hash
from copydesk.tools.validation import checked

ROOT = "file:///w"


@dataclass(frozen=True)
class MemoryFiles:
    """`texts` by URI; `encodings` where not UTF-8. All of it counts as changed, for there is no disk."""

    texts: Mapping[str, str]
    encodings: Mapping[str, str] = field(default_factory=dict[str, str])

    def read(self, uri: str) -> FileHandle:
        if uri not in self.texts:
            if self._is_dir(uri):
                raise UnreadableFile(f"{uri!r} is a directory.", advice="List it with list_dir.")
            raise MissingFile(f"There is nothing at {uri!r}.", advice="Find the right path with glob or list_dir.")
        text = self.texts[uri]
        encoding = self.encodings.get(uri, "utf-8")
        return FileHandle(uri, text, content_hash(text), encoding, same_as_disk=False)

    def exists(self, uri: str) -> bool:
        return uri in self.texts or self._is_dir(uri)

    def children(self, uri: str) -> Iterable[Entry]:
        if uri in self.texts:
            raise UnreadableFile(f"{uri!r} is a file, not a directory.", advice="Read it with read_file.")
        rests = {name[len(uri) + 1 :] for name in self.texts if name.startswith(uri + "/")}
        if not rests and uri != ROOT:
            raise MissingFile(f"There is nothing at {uri!r}.", advice="Find the right path with glob or list_dir.")
        names = {rest.partition("/")[0]: "/" in rest for rest in rests}
        return [Entry(name, f"{uri}/{name}", is_dir) for name, is_dir in sorted(names.items())]

    def changed(self) -> Mapping[str, FileHandle | None]:
        return {uri: self.read(uri) for uri in self.texts}

    def held_uris(self) -> frozenset[str]:
        return frozenset(self.texts)

    def _is_dir(self, uri: str) -> bool:
        return uri == ROOT or any(name.startswith(uri + "/") for name in self.texts)


class MemoryWork:
    """A `Work`. `proposed` keeps every edit; `answers` are given to `ask` one after the other, None when used up."""

    def __init__(self, files: Mapping[str, str], *, problems: Iterable[Problem] = (), answers: Iterable[str] = ()):
        self.files = MemoryFiles({f"{ROOT}/{path}": text for path, text in files.items()})
        self.roots = (ROOT,)
        self.proposed: list[PendingEdit] = []
        self.asked: list[Question] = []
        self.reads: dict[str, str] = {}
        self.shell: Shell = NoShell("there is none in memory.")
        self.secrets: Secrets = NoSecrets()
        self._problems = tuple(problems)
        self._answers = list(answers)

    def resolve(self, path: str) -> str:
        plain = normpath(path.removeprefix("/w/") if path.startswith("/w/") else path)
        if plain.startswith(("/", "..")):
            raise OutsideWorkspace(f"{path!r} is outside the workspace.", advice="Use a path inside the workspace.")
        return ROOT if plain == "." else f"{ROOT}/{plain}"

    def display(self, uri: str) -> str:
        return "." if uri == ROOT else uri.removeprefix(ROOT + "/")

    def propose(self, *edits: PendingEdit) -> None:
        texts = dict(self.files.texts)
        for edit in edits:
            _apply(edit, texts)
        self.files = replace(self.files, texts=texts)
        self.proposed += edits

    def note_read(self, uri: str, text: str) -> None:
        self.reads[uri] = text

    def last_read(self, uri: str) -> str | None:
        return self.reads.get(uri)

    def problems(self, uri: str | None) -> tuple[Problem, ...]:
        return tuple(problem for problem in self._problems if uri in (None, problem.uri))

    async def ask(self, question: Question) -> str | None:
        self.asked.append(question)
        return self._answers.pop(0) if self._answers else None

    def text(self, path: str) -> str:
        return self.files.texts[f"{ROOT}/{path}"]


def _apply(edit: PendingEdit, texts: dict[str, str]) -> None:
    if not isinstance(edit, CreateFile) and edit.uri not in texts:
        raise MissingFile(f"There is nothing at {edit.uri!r}.")
    match edit:
        case ChangeText():
            if content_hash(texts[edit.uri]) != edit.base.content_hash:
                raise StaleEdit(f"{edit.uri!r} is not what the edit was planned on.")
            texts[edit.uri] = apply(texts[edit.uri], edit.spans)
        case CreateFile():
            if edit.uri in texts and not edit.overwrite:
                raise FileExists(f"{edit.uri!r} exists.")
            texts[edit.uri] = edit.text
        case DeleteFile():
            del texts[edit.uri]
        case MoveFile():
            if edit.destination in texts and not edit.overwrite:
                raise FileExists(f"{edit.destination!r} exists.")
            texts[edit.destination] = texts.pop(edit.uri)


async def call(tool: Tool, work: Work, **arguments: object) -> ToolOutput:
    """One call as the loop makes it: schema, prepare, execute. Errors are raised, not turned into results."""
    good = checked(tool.spec, arguments)
    tool.prepare(good, work)
    return await tool.execute(good, work)
