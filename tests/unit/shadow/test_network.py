"""Whether commands reach the network: only where the person's setting says so."""

from pathlib import Path

import pytest

from copydesk.app.shadows import Shadows
from copydesk.config.settings import Settings
from copydesk.domain.commands import Command
from copydesk.domain.sandboxes import SandboxReport
from copydesk.processes.sandboxes import Chosen
from copydesk.services.trust import Trust
from copydesk.store.trust import TrustStore
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace
from tests.support.plain_sandbox import TreeSandbox
from tests.support.shadow_desk import never_secret


@pytest.mark.parametrize("setting", ["off", "on"])
async def test_by_the_setting_alone(tmp_path: Path, setting: str):
    sandbox = TreeSandbox()
    (tmp_path / "ws").mkdir()
    settings = Settings({**Settings().values, "sandbox.network": setting})
    trust = Trust(TrustStore(tmp_path / "trust.json", lambda: "now"), None, lambda level, text: None)
    workspace = Workspace([to_uri(str(tmp_path / "ws"))])

    async def choose(wanted: str, **where: object) -> Chosen:
        return Chosen(SandboxReport(sandbox.name, wanted, sandbox.holds), sandbox)

    shadows = Shadows(workspace, lambda: settings, tmp_path / "state", trust, never_secret, choose)
    async with shadows.runner.run(Command("true"), workspace.snapshot()) as running:
        async for _ in running.output():
            pass
    assert sandbox.seen[0].network is (setting == "on")
