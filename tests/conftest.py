"""Shared fixtures: one async backend, and slow tests only when asked for."""

import os

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("SLOW") == "1":
        return
    skip = pytest.mark.skip(reason="slow: run with SLOW=1")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)
