"""The fake editor's own habits, where the real one's matter to everything that is tested with it."""

import anyio

from tests.support.fake_editor import PROFILES, FakeEditor, Json


async def test_neovim_sends_what_was_typed_a_little_later_by_itself() -> None:
    sent: list[tuple[str, Json]] = []
    came = anyio.Event()

    def send(method: str, params: Json) -> None:
        sent.append((method, params))
        if method == "textDocument/didChange":
            came.set()

    editor = FakeEditor(PROFILES["nvim-0.10"], send)
    editor.open("file:///a.py", "x\n")
    editor.type("file:///a.py", 1, 1, "y")
    editor.type("file:///a.py", 2, 2, "z")
    assert [method for method, _ in sent] == ["textDocument/didOpen"]
    with anyio.fail_after(2):
        await came.wait()
    assert [change["text"] for change in sent[1][1]["contentChanges"]] == ["y", "z"], "one didChange for both"
