"""The sandboxes that can be had here. Where they are required, one that is missing fails instead of being skipped.

`COPYDESK_REQUIRE_SANDBOX`: 1 for all, or names with commas between. "landlock alone" is Landlock where no namespaces can
be had. A container needs an engine and an image: `COPYDESK_TEST_IMAGE` names it, `install_engine.sh` makes both.
"""

import os
import platform
from pathlib import Path

import pytest

from copydesk.processes import landlock, landlock_rules
from copydesk.processes.cgroups import Cgroups
from copydesk.processes.confinement import Sandbox
from copydesk.processes.sandboxes import choose
from copydesk.processes.trial import try_out

BACKENDS = ("bubblewrap", "landlock", "landlock alone", "container")
_REQUIRED = os.environ.get("COPYDESK_REQUIRE_SANDBOX", "").replace("1", ",".join(BACKENDS)).split(",")

STATE = "copydesk-test-state"


async def box_for(name: str, state: Path) -> Sandbox:
    if name == "landlock alone":
        return await _landlock_alone(state)
    chosen = await choose(name, image=os.environ.get("COPYDESK_TEST_IMAGE"), state=state)
    if chosen.sandbox is None:
        if name in _REQUIRED:
            pytest.fail(chosen.report.refused)
        pytest.skip(chosen.report.refused)
    return chosen.sandbox


async def _landlock_alone(state: Path) -> Sandbox:
    machine, abi = platform.machine(), landlock_rules.version()
    if not abi or machine not in ("x86_64", "aarch64"):
        message = "this kernel has no Landlock, or the machine no filter of ours"
        if "landlock alone" in _REQUIRED:
            pytest.fail(message)
        pytest.skip(message)
    os.makedirs(state, exist_ok=True)
    box = landlock.LandlockSandbox(str(state), machine, abi, Cgroups(), "none")
    holds = await try_out(box, str(state), refuses_sockets=True)
    assert isinstance(holds, frozenset), holds
    box.holds = holds & box.possible
    return box
