"""The person's editor for the services: `domain.ports.Editor` over the client.

Owns how a change, a question and an answer look on the wire; it proves nothing (a client's yes is no proof) and
decides nothing. Start with `LspEditor.apply`.
"""

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import anyio
from lsprotocol import types

from copydesk.domain.ports import ApplyReply, FileEdit, Question, WorkspaceChange
from copydesk.lsp import clients
from copydesk.lsp.client import ClientError
from copydesk.lsp.convert import UnsupportedFileOperations, to_lsp_workspace_edit
from copydesk.text.diffs import unified

if TYPE_CHECKING:
    from collections.abc import Callable

    from copydesk.lsp.answers import Answers
    from copydesk.lsp.client import Client
    from copydesk.lsp.prompts import Prompt, Prompts
    from copydesk.lsp.questions import Questions

JsonObject: TypeAlias = dict[str, Any]

ASK_METHOD = "copydesk/editor/ask"
APPLY_TIMEOUT_S = 30.0
ASK_TIMEOUT_S = 600.0
MAX_BUTTONS = 4
NO_REASON = "the editor refused the edit and gave no reason"


class LspEditor:
    """One client's editor. `display` turns a URI into the path a person reads, `spell` into the editor's spelling.

    `saves`: whether what is applied should be saved (`review.save`), where the client can.
    """

    def __init__(
        self,
        client: "Client",
        answers: "Answers",
        prompts: "Prompts",
        questions: "Questions",
        display: "Callable[[str], str]",
        *,
        spell: "Callable[[str], str]" = str,
        saves: "Callable[[], bool]" = lambda: False,
        apply_timeout_s: float = APPLY_TIMEOUT_S,
        ask_timeout_s: float = ASK_TIMEOUT_S,
    ) -> None:
        self._client = client
        self._answers = answers
        self._prompts = prompts
        self._questions = questions
        self._display = display
        self._spell = spell
        self._saves = saves
        self._n_diffs = 0
        self._apply_timeout_s = apply_timeout_s
        self._ask_timeout_s = ask_timeout_s

    # --- edits ---

    async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
        """Sends one workspace edit. A confirmation has no time limit: it ends with the turn."""
        annotates = self._client.supports("workspace.workspaceEdit.changeAnnotationSupport") is not None
        note = types.ChangeAnnotation(change.label, needs_confirmation=True, description="Proposed by Copydesk")
        annotation = note if confirm and annotates else None
        try:
            edit = to_lsp_workspace_edit(
                change,
                self._client.capabilities,
                self._client.encoding,
                annotation,
                spell=self._spell,
                ends_lines=clients.begins_with_a_line(self._client.name),
            )
        except UnsupportedFileOperations as error:
            return await self._apply_the_rest(change, error, confirm=confirm)
        if annotation:
            return await self._client.apply_edit(change.label, edit, timeout_s=None, is_refactoring=self._saves())
        consent: bool | None = None
        if confirm:
            try:
                choice = await self._confirmed(change)
            except ClientError as error:
                return ApplyReply(applied=False, reason=error.message, answered=False)
            if choice != "Apply":
                reason = "you chose Discard" if choice else "the question was closed"
                return ApplyReply(applied=False, reason=reason, consent=False)
            consent = True
        # The nearest thing to a save that a server can ask for: VS Code saves what a refactoring has changed.
        reply = await self._client.apply_edit(
            change.label, edit, timeout_s=self._apply_timeout_s, is_refactoring=self._saves()
        )
        return replace(reply, reason=reply.reason or ("" if reply.applied else NO_REASON), consent=consent)

    async def _apply_the_rest(
        self, change: WorkspaceChange, error: UnsupportedFileOperations, *, confirm: bool
    ) -> ApplyReply:
        """What the client can do of it. Emacs moves and deletes no files, and may have the other edits all the same."""
        skipped = (*(new for _, new in error.moves), *error.deletes)
        left = replace(
            change,
            moves=tuple(move for move in change.moves if move not in error.moves),
            deletes=tuple(uri for uri in change.deletes if uri not in error.deletes),
            edits=tuple(edit for edit in change.edits if edit.uri not in skipped),
        )
        if not (left.edits or left.creates or left.moves or left.deletes):
            return ApplyReply(applied=False, reason=str(error))
        reply = await self.apply(left, confirm=confirm)
        return replace(reply, skipped=skipped, skipped_why=str(error))

    async def _confirmed(self, change: WorkspaceChange) -> str | None:
        """A diff to read and two buttons; nothing is sent before Apply. None when neither was chosen."""
        self._n_diffs += 1  # a new name each time, since clients keep the text of a document they have seen
        await self._answers.open(f"review/{_slug(change.label)}-{self._n_diffs}.diff", diff_of(change, self._display))
        n_files = len(change.edits) + len(change.creates) + len(change.moves) + len(change.deletes)
        text = f"{change.label}: apply the edit of {n_files} file{'s' if n_files != 1 else ''}?"
        return await self._questions.choose(text, ("Apply", "Discard"))

    # --- questions ---

    async def ask(self, question: Question) -> str | None:
        """The person's answer; None when nobody answers in time."""
        with anyio.move_on_after(self._ask_timeout_s):
            if ASK_METHOD in self._client.experimental:
                return await self._ask_client(question)
            if 0 < len(question.choices) <= MAX_BUTTONS:
                with suppress(ClientError):
                    return await self._questions.choose(question.text, question.choices)
                return None
            return await self._ask_by_document(question)
        return None

    async def _ask_client(self, question: Question) -> str | None:
        params = {"question": question.text, "choices": list(question.choices)}
        try:
            reply = await self._client.request(ASK_METHOD, params, timeout_s=None, names_itself=True)
        except ClientError:
            return None
        answer = cast("JsonObject", reply).get("answer") if isinstance(reply, dict) else reply
        return answer if isinstance(answer, str) and answer else None

    async def _ask_by_document(self, question: Question) -> str | None:
        answered = anyio.Event()
        answers: list[str] = []

        async def take(text: str) -> object:
            answers.append(_chosen(text, question.choices))
            answered.set()
            return {"answered": True}

        choices = "; ".join(f"{number}: {choice}" for number, choice in enumerate(question.choices, 1))
        line = " ".join(question.text.split())
        prompt: Prompt | None = None
        try:
            prompt = await self._prompts.open(f"{line} ({choices})" if choices else line, take)
            await answered.wait()
        finally:
            if prompt and not prompt.sent:
                self._prompts.forget(prompt)
        return answers[0]

    # --- showing ---

    async def show_message(self, level: str, text: str) -> None:
        self._answers.message(level, text)

    async def show_document(self, name: str, text: str, *, focus: bool = False) -> None:
        await self._answers.open(name, text, focus=focus)


def diff_of(change: WorkspaceChange, display: "Callable[[str], str]") -> str:
    """The change as a unified diff, file operations as comment lines."""
    moves = [f"# move {display(source)} → {display(destination)}\n" for source, destination in change.moves]
    deletes = [f"# delete {display(uri)}\n" for uri in change.deletes]
    texts = [unified("", text, display(uri)) for uri, text in change.creates]
    texts += [unified(edit.text, _applied(edit), display(edit.uri)) for edit in change.edits]
    return "".join([*moves, *deletes, *texts])


def _applied(edit: FileEdit) -> str:
    parts: list[str] = []
    at = 0
    for start, end, text in edit.spans:
        parts += [edit.text[at:start], text]
        at = end
    return "".join([*parts, edit.text[at:]])


def _slug(label: str) -> str:
    words = "".join(char if char.isalnum() else "-" for char in label.lower())
    return "-".join(part for part in words.split("-") if part)[:60] or "edit"


def _chosen(text: str, choices: tuple[str, ...]) -> str:
    """An answer by number counts as the choice."""
    number = int(text) if text.isascii() and text.isdigit() else 0
    return choices[number - 1] if 0 < number <= len(choices) else text
