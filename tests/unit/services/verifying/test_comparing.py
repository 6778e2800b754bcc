"""Both sides fail: what can be told apart, and what cannot."""

import pytest

from copydesk.services.verifying.comparing import Comparison
from copydesk.services.verifying.readings import read_output
from copydesk.services.verifying.running import Ran


def ran(output: str, exit_code: int = 1) -> Ran:
    return Ran("check", 2.0, read_output("", exit_code, output), output)


async def never() -> Ran:
    raise AssertionError("nothing looks new, so nothing is run again")


@pytest.mark.parametrize(
    ("output", "state"),
    [
        ("no default toolchain is configured\n", "not_checked"),
        ("", "not_checked"),
        ("FAILED tests/test_a.py::test_a - assert 0\n=== 1 failed, 2 passed in 0.1s ===\n", "known_failures"),
    ],
)
async def test_a_check_that_cannot_start_on_either_side_proves_nothing(output: str, state: str) -> None:
    found = Comparison(ran(output), ran(output))
    await found.judge(never, never)
    assert found.state == state
    assert ("tells nothing" in found.why) is (state == "not_checked")
