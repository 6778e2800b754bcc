"""The demo server as a fixture."""

import pytest

from copydesk.lsp.server import Server
from tests.support.demo_server import demo_server

URI = "file:///work/a.py"


@pytest.fixture
def server() -> Server:
    return demo_server()
