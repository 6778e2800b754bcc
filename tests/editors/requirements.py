"""Whether a story's editor is there: skipped with the reason where it is not, a failure where editors are required.

Knows no editor. Start with `editor_or_skip`; `COPYDESK_REQUIRE_EDITORS=1`, which .ci/run sets, makes a missing editor fail.
"""

import os
from typing import TypeVar

import pytest

Found = TypeVar("Found")


def editor_or_skip(name: str, found: Found | None) -> Found:
    """`found`, unless it is nothing: then the test is skipped, or fails where editors are required.

    `name` says the editor and how it is made known: "Neovim (COPYDESK_NVIM, or nvim on PATH)". Call it in a fixture
    or a test, not while modules are collected.
    """
    if found:
        return found
    missing = f"not installed: {name}; tests/editors/install/ has a script for it"
    if os.environ.get("COPYDESK_REQUIRE_EDITORS") == "1":
        pytest.fail(missing, pytrace=False)
    pytest.skip(missing)
