import socket
from contextlib import ExitStack

import pytest


@pytest.fixture
def free_ports():
    """Ports that nobody listens on now."""

    def find(count):
        with ExitStack() as held:
            sockets = [held.enter_context(socket.socket()) for _ in range(count)]
            for one in sockets:
                one.bind(("127.0.0.1", 0))
            return [one.getsockname()[1] for one in sockets]

    return find
