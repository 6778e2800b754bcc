"""The sandboxes that can be had here. Where they are required, one that is missing fails instead of being skipped.

`COPYDESK_REQUIRE_SANDBOX`: 1 for bubblewrap, or names with commas between.
"""

import os
from pathlib import Path

import pytest

from copydesk.processes.confinement import Sandbox
from copydesk.processes.sandboxes import choose

BACKENDS = ("bubblewrap",)
_REQUIRED = os.environ.get("COPYDESK_REQUIRE_SANDBOX", "").replace("1", "bubblewrap").split(",")

STATE = "copydesk-test-state"


async def box_for(name: str, state: Path) -> Sandbox:
    chosen = await choose(name, image=os.environ.get("COPYDESK_TEST_IMAGE"), state=state)
    if chosen.sandbox is None:
        if name in _REQUIRED:
            pytest.fail(chosen.report.refused)
        pytest.skip(chosen.report.refused)
    return chosen.sandbox
