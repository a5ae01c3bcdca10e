"""Stands for a command: hands its words, folder, environment and open files on, its signals, and the exit code back.

Started for every command, so it imports next to nothing.
"""

import _signal
import _socket
import marshal
import os
import sys

SIGNALS = (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM)


def main() -> None:
    """Be the command until it ends."""
    pending: list[int] = []
    for number in SIGNALS:
        _signal.signal(number, lambda number, _: pending.append(number))
    door = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    door.connect(sys.argv[1])
    said = marshal.dumps((os.getcwd(), dict(os.environ), sys.argv[2:]))  # noqa: PTH109 - pathlib is an import
    files = b"".join(file.to_bytes(4, sys.byteorder) for file in range(3))
    door.sendmsg([len(said).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
    door.sendall(said)
    process = int.from_bytes(door.recv(4, _socket.MSG_WAITALL), "big")
    for number in SIGNALS:
        _signal.signal(number, lambda number, _: os.kill(process, number))
    for number in pending:
        os.kill(process, number)
    code = int.from_bytes(door.recv(4, _socket.MSG_WAITALL), "big", signed=True)
    if code < 0:
        if -code in SIGNALS:
            _signal.signal(-code, _signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


main()
