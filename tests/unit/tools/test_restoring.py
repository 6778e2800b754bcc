"""Tools and secrets: denied files stay shut, placeholders come back only where their value was, the rest is said."""

import pytest

from copydesk.domain.errors import PermissionDenied
from copydesk.domain.ports import Tool
from copydesk.safety.paths import Hidden
from copydesk.safety.secrets.redaction import Redactor
from copydesk.tools.editing import edit_file, write_file
from copydesk.tools.patching import apply_patch
from copydesk.tools.reading import read_file
from tests.support.canaries import canaries, key_block
from tests.support.memory import MemoryWork, call

CANARY = next(canary for canary in canaries(60) if canary.kind == "assignment")
HELD = f"import os\n{CANARY.line}\nlimit = 3\n"


def work(**files: str) -> MemoryWork:
    made = MemoryWork({"config.py": HELD, "other.py": "x = 1\n", **files})
    made.secrets = Redactor(lambda: b"k" * 32, Hidden(lambda path: "private" in path))
    return made


def shown(made: MemoryWork) -> tuple[str, str]:
    """The line as a model sees it, and the placeholder in it."""
    line = made.secrets.redact(CANARY.line)
    return line, made.secrets.placeholders(line)[0]


async def test_an_edit_of_the_line_with_the_secret_keeps_it() -> None:
    made = work()
    line, _ = shown(made)
    out = await call(edit_file(), made, path="config.py", old_text=line, new_text=f"{line}  # from the vault")
    assert made.text("config.py") == HELD.replace(CANARY.line, f"{CANARY.line}  # from the vault")
    assert "placeholder" not in out.content


async def test_writing_the_whole_file_anew_keeps_it() -> None:
    made = work()
    await call(write_file(), made, path="config.py", content=made.secrets.redact(HELD) + "more = 1\n", overwrite=True)
    assert made.text("config.py") == HELD + "more = 1\n"


async def test_a_patch_keeps_it() -> None:
    made = work()
    line, _ = shown(made)
    patch = (
        f"*** Begin Patch\n*** Update File: config.py\n@@\n import os\n {line}\n-limit = 3\n+limit = 4\n*** End Patch\n"
    )
    await call(apply_patch(), made, patch=patch)
    assert made.text("config.py") == HELD.replace("limit = 3", "limit = 4")


@pytest.mark.parametrize("tool", ["edit", "write", "patch", "new"])
async def test_another_file_does_not_get_it_and_the_model_is_told(tool: str) -> None:
    made = work()
    _, word = shown(made)
    patch = f"*** Begin Patch\n*** Update File: other.py\n@@\n-x = 1\n+x = '{word}'\n*** End Patch\n"
    calls: dict[str, tuple[Tool, dict[str, object]]] = {
        "edit": (edit_file(), {"path": "other.py", "old_text": "x = 1", "new_text": f"x = '{word}'"}),
        "write": (write_file(), {"path": "other.py", "content": f"x = '{word}'\n", "overwrite": True}),
        "patch": (apply_patch(), {"patch": patch}),
        "new": (write_file(), {"path": "new.py", "content": f"x = '{word}'\n"}),
    }
    out = await call(calls[tool][0], made, **calls[tool][1])
    text = made.text("new.py" if tool == "new" else "other.py")
    assert text == f"x = '{word}'\n"
    assert f"{word} stands in the file as written" in out.content


async def test_what_a_rule_of_the_person_denies_is_not_opened() -> None:
    made = work(**{"private/plan.md": "text\n", "open/plan.md": "text\n"})
    with pytest.raises(PermissionDenied, match=r"permissions\.deny"):
        await call(read_file(), made, path="private/plan.md")
    with pytest.raises(PermissionDenied):
        await call(write_file(), made, path="private/new.md", content="x")
    assert "text" in (await call(read_file(), made, path="open/plan.md")).content


async def test_a_page_of_a_private_key_is_known_for_one() -> None:
    made = work(**{"tls.txt": key_block()})
    out = await call(read_file(), made, path="tls.txt", offset=10, limit=5)
    clean = made.secrets.redact(out.content)
    assert not any(line in clean for line in key_block().splitlines()[9:14])
