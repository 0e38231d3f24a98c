"""Where the holder of an index lets others in: a Unix socket in the index's folder, or a port of this machine.

The socket is for its owner alone. Where there are no Unix sockets, or the folder's path is too long for one, the holder
listens on the loopback interface, and only who can read the secret in the folder, which its owner can, is heard.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from vrag.runtime.lock import read_holder

SOCKET, SECRET = "serve.sock", "serve.secret"  # files in the folder
UNIX = "unix"  # as the lock has it; else a port
CONNECT_S = 5.0  # seconds: it is this machine


@dataclass(frozen=True, slots=True)
class Door:
    """Where a holder listens.

    Args:
        folder: Of the index.
        at: "unix", or the number of a port of this machine.
    """

    folder: Path
    at: str

    @property
    def secret(self) -> str:
        """What a call has to bring; empty where the file system keeps strangers out.

        Raises:
            OSError: It cannot be read.
        """
        return "" if self.at == UNIX else (self.folder / SECRET).read_text(encoding="ascii")

    def connect(self) -> socket.socket:
        """A connection to the holder.

        Raises:
            OSError: Nobody listens there any more.
        """
        if self.at == UNIX:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(self.folder / SOCKET))
            except BaseException:
                connection.close()
                raise
            return connection
        return socket.create_connection(("127.0.0.1", int(self.at)), CONNECT_S)


def find_door(folder: Path) -> Door | None:
    """The door of whoever holds the index of this folder; None when there is none, or nobody behind it."""
    holder = read_holder(folder)
    if holder is None or not holder.door:
        return None
    door = Door(folder, holder.door)
    try:
        door.connect().close()
    except (OSError, ValueError):  # its holder was killed, or is on another machine
        return None
    return door
