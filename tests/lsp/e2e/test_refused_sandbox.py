"""A sandbox that is named and cannot be had: no command runs, nobody is asked in vain, and the model is told why."""

from pathlib import Path

from copydesk.domain.messages import ToolResult
from tests.lsp.e2e.rig import call, desk, steps


async def test_nobody_is_asked_about_what_cannot_run(tmp_path: Path) -> None:
    model = steps(call("shell", command="rm -f gone.txt"), "text: So be it.")
    settings = {"sandbox": {"backend": "container"}, "verify": {"enabled": False}}
    async with desk(tmp_path, model, files={"gone.txt": "x\n"}, settings=settings) as d:
        await d.run("prompt", text="Tidy up", timeout_s=30)
        asked = [params for method, params in d.client.requests if method == "window/showMessageRequest"]
        assert asked == []
        told = model.requests[-1].messages[-1].parts[-1]
        assert isinstance(told, ToolResult)
        assert "was refused" in told.content
        assert "sandbox.image" in told.content
        assert (d.root / "gone.txt").exists()
