"""What the tests of every sandbox start from: a ground of their own, and a state that is tried out once.

Start with `here`; the containers' tests have two grounds, and make them by themselves.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.ground import Ground, ground


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Ground]:
    with ground(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")
