"""The story in a real VS Code, with the packaged extension: everything is done by mouse and keyboard."""

import pytest

from tests.editors import story
from tests.editors.conftest import Start

pytestmark = pytest.mark.slow


def test_offline(start: Start) -> None:
    window = start(settings={"copydesk.model.name": "offline"})
    window.open("a.py")
    window.until(window.bench.servers, "a server")
    assert "Called by" in window.until(lambda: window.hover("area"), "a hover")
    window.at(1, 8)
    window.act("Copydesk: Fix")
    window.until(lambda: window.text("a.py") == story.FIXED, "fixed")
    assert window.document("a.py")["dirty"], "nothing is saved"
    assert (window.folder / "a.py").read_text(encoding="utf-8") == story.SOURCE
    assert not window.errors()
