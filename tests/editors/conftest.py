"""How the stories are spread over workers: those of a heavy editor one after the other, on one worker.

Knows the files' names only. VS Code with its browser takes both cores of a small machine; two of them at once would
measure each other.
"""

from pathlib import Path

import pytest

HEAVY = {"vscode": "test_vscode", "kate": "test_kate"}
"""A group of `--dist loadgroup`, and how the names of its files start."""

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for group, start in HEAVY.items():
            if HERE in item.path.parents and item.path.name.startswith(start):
                item.add_marker(pytest.mark.xdist_group(group))
