"""The editor port: how changes and questions go to each client, and what is made of the answers."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.domain.ports import ApplyReply, FileEdit, Question, WorkspaceChange
from copydesk.lsp.client import ClientError
from copydesk.lsp.editor import LspEditor
from copydesk.lsp.unasked import Unasked
from tests.support.feature_rig import CLIENTS, EGLOT, HELIX_OLD, NVIM_010, NVIM_012, URI, VSCODE, FeatureRig, rig

CHANGE = WorkspaceChange(
    "Copydesk: Fix a.py", edits=(FileEdit(URI, 0, "ä = '😀'; b\nc\n", ((9, 10, "bb"), (11, 12, "cc"))),)
)
WITH_FILES = WorkspaceChange("Copydesk: Add b.py", creates=(("file:///w/b.py", "b = 1\n"),))


@pytest.mark.parametrize("client", sorted(CLIENTS))
async def test_a_change_is_one_versioned_edit_in_the_clients_units(tmp_path: Path, client: str) -> None:
    async with rig(tmp_path, client) as r:
        assert await r.voice.editor.apply(CHANGE, confirm=False) == ApplyReply(applied=True)
        (params,) = r.all("workspace/applyEdit")
        assert params["label"] == "Copydesk: Fix a.py"
        (edit,) = params["edit"].document_changes
        assert (edit.text_document.uri, edit.text_document.version) == (URI, 0)
        start = {"utf-8": 13, "utf-16": 10, "utf-32": 9}[r.client.encoding]
        assert edit.edits[0].range.start.character == start
        assert [item.new_text for item in edit.edits] == ["bb", "cc"]
        assert params["edit"].change_annotations is None


@pytest.mark.parametrize("client", [VSCODE, NVIM_012])
async def test_confirm_is_a_change_annotation_where_the_client_has_them(tmp_path: Path, client: str) -> None:
    async with rig(tmp_path, client) as r:
        await r.voice.editor.apply(CHANGE, confirm=True)
        (params,) = r.all("workspace/applyEdit")
        (note,) = params["edit"].change_annotations.values()
        assert note.needs_confirmation is True
        assert all(edit.annotation_id for edit in params["edit"].document_changes[0].edits)
        assert r.all("window/showMessageRequest") == []


@pytest.mark.parametrize("client", [NVIM_010, EGLOT, HELIX_OLD])
@pytest.mark.parametrize(("answer", "n_sent"), [({"title": "Apply"}, 1), ({"title": "Discard"}, 0), (None, 0)])
async def test_else_a_diff_and_two_buttons(tmp_path: Path, client: str, answer: Any, n_sent: int) -> None:
    async with rig(tmp_path, client) as r:

        def asked(params: Any) -> Any:
            assert r.all("workspace/applyEdit") == []
            assert [action["title"] for action in params["actions"]] == ["Apply", "Discard"]
            return answer

        r.answers["window/showMessageRequest"] = asked
        reply = await r.voice.editor.apply(CHANGE, confirm=True)
        assert reply.applied is bool(n_sent)
        assert len(r.all("workspace/applyEdit")) == n_sent
        diffs = [path async for path in anyio.Path(tmp_path).glob("documents/review/*.diff")]
        assert "+ä = '😀'; bb" in await diffs[0].read_text()


async def test_what_the_client_says_comes_back(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        said: list[tuple[Any, ApplyReply]] = [
            ({"applied": False, "failureReason": "stale"}, ApplyReply(False, "stale")),
            (ValueError("eglot says no"), ApplyReply(False, "eglot says no")),
        ]
        for answer, reply in said:
            r.answers["workspace/applyEdit"] = answer
            assert await r.voice.editor.apply(CHANGE, confirm=False) == reply
        for silent in ({"applied": False}, None, "yes", {"applied": 1}):
            r.answers["workspace/applyEdit"] = silent
            reply = await r.voice.editor.apply(CHANGE, confirm=False)
            assert not reply.applied
            assert reply.reason


async def test_no_answer_in_time_is_not_an_answer(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.silent.add("workspace/applyEdit")
        reply = await quick_editor(r).apply(CHANGE, confirm=False)
        assert (reply.applied, reply.answered) == (False, False)
        assert reply.reason


async def test_an_open_confirmation_has_no_limit_but_ends_with_the_turn(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.silent.add("workspace/applyEdit")
        with anyio.move_on_after(0.2) as turn:
            await quick_editor(r).apply(CHANGE, confirm=True)
        assert turn.cancelled_caught
        assert r.all("$/cancelRequest")


@pytest.mark.parametrize(
    ("client", "kinds"), [(VSCODE, ["create", None]), (NVIM_010, ["create", None]), (EGLOT, [None])]
)
async def test_new_files_as_each_client_can(tmp_path: Path, client: str, kinds: list[str | None]) -> None:
    async with rig(tmp_path, client) as r:
        await r.voice.editor.apply(WITH_FILES, confirm=False)
        (params,) = r.all("workspace/applyEdit")
        assert [getattr(item, "kind", None) for item in params["edit"].document_changes] == kinds


async def test_moves_that_a_client_cannot_do_are_refused_with_words(tmp_path: Path) -> None:
    async with rig(tmp_path, EGLOT) as r:
        change = WorkspaceChange("Move", moves=((URI, "file:///w/b.py"),))
        reply = await r.voice.editor.apply(change, confirm=False)
        assert not reply.applied
        assert "move" in reply.reason
        assert r.all("workspace/applyEdit") == []


# --- questions --------------------------------------------------------------------------------------------


def quick_editor(r: FeatureRig) -> LspEditor:
    voice = r.voice
    return LspEditor(
        r.client, voice.answers, voice.prompts, voice.questions, str, apply_timeout_s=0.1, ask_timeout_s=0.2
    )


async def test_a_choice_is_asked_by_buttons(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.answers["window/showMessageRequest"] = {"title": "B"}
        assert await r.voice.editor.ask(Question("Which?", ("A", "B"))) == "B"
        r.answers["window/showMessageRequest"] = None
        assert await r.voice.editor.ask(Question("Which?", ("A", "B"))) is None


async def test_a_question_cannot_carry_a_command_link(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.voice.editor.ask(Question("Is [this](command:x) <T> right?", ("A", "B")))
        (params,) = r.all("window/showMessageRequest")
        assert params["message"] == "Is this <T> right?"


async def test_each_diff_is_a_document_of_its_own(tmp_path: Path) -> None:
    capabilities = {"workspace": {**CLIENTS[VSCODE]["workspace"]}, "window": CLIENTS[VSCODE]["window"]}
    capabilities["workspace"]["workspaceEdit"] = {"documentChanges": True}
    async with rig(tmp_path, capabilities) as r:
        for _ in range(2):
            await r.voice.editor.apply(CHANGE, confirm=True)
        uris = [shown["uri"] for shown in r.all("window/showDocument")]
        assert len(set(uris)) == 2
        assert all(uri.startswith("copydesk:/review/") for uri in uris)


async def test_free_text_is_asked_by_a_prompt_document(tmp_path: Path) -> None:
    async with rig(tmp_path, NVIM_010) as r:
        answers: list[str | None] = []

        async def ask() -> None:
            answers.append(await r.voice.editor.ask(Question("Which name\nshall it have?")))

        r.tasks.start_soon(ask)
        (shown,) = await r.until(lambda: r.all("window/showDocument"))
        text = await anyio.Path(shown["uri"].removeprefix("file://")).read_text()
        assert text.startswith("Which name shall it have?")
        r.open(text + "  foo bar\n", shown["uri"], "markdown")
        assert await r.command("copydesk.send", {"uri": shown["uri"]}) == {"answered": True}
        await r.until(lambda: answers)
        assert answers == ["foo bar"]


async def test_many_choices_are_asked_by_a_document_and_answered_by_number(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        answers: list[str | None] = []
        choices = tuple("abcdef")

        async def ask() -> None:
            answers.append(await r.voice.editor.ask(Question("Which?", choices)))

        r.tasks.start_soon(ask)
        (shown,) = await r.until(lambda: r.all("window/showDocument"))
        path = anyio.Path(shown["uri"].removeprefix("file://"))
        await path.write_text(await path.read_text() + "3\n")
        await r.command("copydesk.send")
        await r.until(lambda: answers)
        assert answers == ["c"]


async def test_nobody_answers(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.silent.add("window/showMessageRequest")
        assert await quick_editor(r).ask(Question("Which?", ("A", "B"))) is None
        assert await quick_editor(r).ask(Question("What?")) is None
        assert r.voice.prompts.newest() is None


async def test_a_plug_in_is_asked_directly(tmp_path: Path) -> None:
    client = {**CLIENTS[VSCODE], "experimental": {"copydesk": ["copydesk/editor/ask"]}}
    async with rig(tmp_path, client) as r:
        r.answers["copydesk/editor/ask"] = lambda params: {"answer": f"{params['question']} {params['choices']}"}
        assert await r.voice.editor.ask(Question("Q", ("A",))) == "Q ['A']"
        r.answers["copydesk/editor/ask"] = lambda params: {"answer": str(params["id"])}
        assert await r.voice.editor.ask(Question("Q")) == "2", "a cancellation names the request by it"
        r.answers["copydesk/editor/ask"] = None
        assert await r.voice.editor.ask(Question("Q")) is None


async def test_a_client_without_dialogs_answers_by_code_action(tmp_path: Path) -> None:
    """Helix has no window/showMessageRequest; nothing could ever be applied in mode `ask`."""
    async with rig(tmp_path, HELIX_OLD) as r:

        def no_dialog(_: Any) -> Any:
            raise ClientError("Method not found: window/showMessageRequest", -32601)

        r.answers["window/showMessageRequest"] = no_dialog
        r.open("ä = '😀'; b\nc\n")
        replies: list[ApplyReply] = []

        async def apply() -> None:
            replies.append(await r.voice.editor.apply(CHANGE, confirm=True))

        for choice in ("Apply", "Discard"):
            r.tasks.start_soon(apply)
            title = f"Copydesk: {choice} ("
            listed = await r.until(lambda: r.voice.questions.waiting()) and await r.list_actions(0)
            (action,) = [a for a in listed if a["title"].startswith(title)]
            assert r.all("workspace/applyEdit") == [] or choice == "Discard", "nothing is sent before Apply"
            await r.command(action["command"]["command"], *action["command"]["arguments"])
            await r.until(lambda wanted=choice: len(replies) == (1 if wanted == "Apply" else 2))
        assert [(reply.applied, reply.consent) for reply in replies] == [(True, True), (False, False)]
        assert len(r.all("workspace/applyEdit")) == 1
        assert len(r.all("window/showMessageRequest")) == 1, "a dialog that is not there is not asked for again"
        assert not [a for a in await r.list_actions(0) if "copydesk.answer" in str(a)]
        late = await r.command("copydesk.answer", {"choice": "Apply"})
        assert late == {"answered": False}


async def test_a_dialog_that_takes_what_is_typed_is_no_answer(tmp_path: Path) -> None:
    """Helix since 25.07: a key that goes on into the text closes it, and Enter takes its first choice."""
    async with rig(tmp_path) as r:
        r.client.name = "helix"
        r.open("a = 1\n")
        answers: list[str | None] = []

        async def ask() -> None:
            answers.append(await r.voice.editor.ask(Question("Which?", ("A", "B"))))

        r.answers["window/showMessageRequest"] = {"title": "B"}
        await ask()
        r.answers["window/showMessageRequest"] = None
        r.tasks.start_soon(ask)
        await r.until(lambda: r.voice.questions.waiting())
        assert "Which?" in r.shown()[-1][1]
        await r.command("copydesk.answer", {"choice": "A"})
        await r.until(lambda: len(answers) == 2)
        r.type(0, 0, "typed")
        r.tasks.start_soon(ask)
        await r.until(lambda: r.voice.questions.waiting())
        assert len(r.all("window/showMessageRequest")) == 2, "no dialog in front of who types"
        await r.command("copydesk.answer", {"choice": "B"})
        await r.until(lambda: answers == ["B", "A", "B"])


@pytest.mark.parametrize(("name", "sent"), [("Neovim", "b = 1"), ("Visual Studio Code", "b = 1\n")])
async def test_a_new_file_has_no_blank_line_at_its_end(tmp_path: Path, name: str, sent: str) -> None:
    async with rig(tmp_path, NVIM_010 if name == "Neovim" else VSCODE) as r:
        r.client.name = name
        await r.voice.editor.apply(WITH_FILES, confirm=False)
        (params,) = r.all("workspace/applyEdit")
        texts = [
            edit.new_text for part in params["edit"].document_changes if hasattr(part, "edits") for edit in part.edits
        ]
        assert texts == [sent]


def without_edits(told: bool) -> dict[str, Any]:
    client: dict[str, Any] = {**CLIENTS[VSCODE], "workspace": dict(CLIENTS[VSCODE]["workspace"])}
    del client["workspace"]["applyEdit"]
    if told:
        client["workspace"]["applyEdit"] = False
    return client


async def test_kate_says_nothing_of_edits_and_is_sent_them_all_the_same(tmp_path: Path) -> None:
    """It applies edits, asks and shows documents, and declares none of it. Nobody else is taken to."""
    async with rig(tmp_path, without_edits(told=False)) as r:
        assert await r.voice.editor.apply(CHANGE, confirm=False) == ApplyReply(applied=True)
        assert len(r.all("workspace/applyEdit")) == 1
        r.client.name = "some editor"
        assert not (await r.voice.editor.apply(CHANGE, confirm=False)).applied
        assert len(r.all("workspace/applyEdit")) == 1


async def test_a_client_that_says_no_is_not(tmp_path: Path) -> None:
    """ALE."""
    async with rig(tmp_path, without_edits(told=True)) as r:
        reply = await r.voice.editor.apply(CHANGE, confirm=False)
        assert not reply.applied
        assert "does not take workspace/applyEdit" in reply.reason
        assert r.all("workspace/applyEdit") == []


async def test_a_dialog_that_never_answers_is_not_asked(tmp_path: Path) -> None:
    """vim-lsp draws the question, and sends no answer whatever is chosen."""
    async with rig(tmp_path, NVIM_010) as r:
        r.client.name = "vim-lsp"
        r.silent.add("window/showMessageRequest")
        answers: list[str | None] = []

        async def ask() -> None:
            answers.append(await r.voice.editor.ask(Question("Which?", ("A", "B"))))

        r.tasks.start_soon(ask)
        await r.until(lambda: "Choose by code action" in str(r.all("window/showMessage")))
        assert await r.command("copydesk.answer", {"choice": "B"}) == {"answered": True}
        await r.until(lambda: answers)
        assert answers == ["B"]
        assert r.all("window/showMessageRequest") == []


@pytest.mark.parametrize("shows", [True, False])
async def test_a_client_that_shows_no_documents_has_no_button_for_them(tmp_path: Path, shows: bool) -> None:
    """Vim's plug-ins, Kate: a message says where the text is, whoever types."""
    client: dict[str, Any] = {**CLIENTS[VSCODE], "window": dict(CLIENTS[VSCODE]["window"])}
    if not shows:
        del client["window"]["showDocument"]
    async with rig(tmp_path, client) as r:
        r.answers["window/showMessageRequest"] = None
        r.open("a = 1\n")
        r.type(0, 0, "typed")
        unasked = Unasked(r.client, r.voice.answers, r.voice.questions, r.overlay)
        await unasked.answer("info", "one\n\ntwo\n\nthree\n\nfour", "turn/t-1.md")
        assert len(r.all("window/showMessageRequest")) == int(shows)
        assert ("The whole text is in" in str(r.shown())) is not shows
