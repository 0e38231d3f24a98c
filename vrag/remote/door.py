"""Where the holder of an index lets others in: a Unix socket in the index's folder, or a port of this machine.

The socket is for its owner alone. Where there are no Unix sockets, or the folder's path is too long for one, the holder
listens on the loopback interface. Both sides then prove that they can read the secret in the folder, which its owner
alone can; it is never sent. So whoever took the port of a holder that was killed learns nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import platform
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from vrag.runtime.lock import read_holder

SOCKET, SECRET = "serve.sock", "serve.secret"  # files in the folder
UNIX = "unix"  # as the lock has it; else a port
HELLO_S = 5.0  # seconds in which a holder says that it is there
_AGAIN_S = 0.02
MOST_HELLO = 1 << 10  # bytes of what either side says first


@dataclass(frozen=True, slots=True)
class Door:
    """Where a holder listens.

    Args:
        folder: Of the index.
        at: "unix", or the number of a port of this machine.
    """

    folder: Path
    at: str

    def connect(self) -> tuple[socket.socket, str]:
        """A connection to the holder, who has said that it is there, and the proof that a call has to bring.

        Raises:
            OSError: Nobody is there any more, or somebody else.
        """
        connection = self._connect()
        try:
            connection.settimeout(HELLO_S)
            return connection, self._greet(connection)
        except BaseException:
            connection.close()
            raise

    def _connect(self) -> socket.socket:
        if self.at != UNIX:
            return socket.create_connection(("127.0.0.1", int(self.at)), HELLO_S)
        path = self.folder / SOCKET
        _require_mine(path)
        until = time.monotonic() + HELLO_S
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.settimeout(HELLO_S)
                connection.connect(str(path))
                return connection
            except BlockingIOError:  # so many come at this moment that no more can wait
                connection.close()
                if time.monotonic() > until:
                    raise
            except BaseException:
                connection.close()
                raise
            time.sleep(_AGAIN_S)

    def _greet(self, connection: socket.socket) -> str:
        secret, mine = self.secret, secrets.token_hex(16)
        connection.sendall(json.dumps({"hello": mine}).encode("ascii") + b"\n")
        try:
            said = json.loads(read_hello(connection))
            theirs, proof = str(said["hello"]), str(said["proof"])
        except (ValueError, KeyError, TypeError) as error:
            raise ConnectionError("Somebody else listens there.") from error
        if not hmac.compare_digest(proof, prove(secret, mine)):
            raise ConnectionError("Whoever listens there does not know the secret.")
        return prove(secret, theirs)

    @property
    def secret(self) -> str:
        """What both sides know; empty where the file system keeps strangers out.

        Raises:
            OSError: It cannot be read, or is somebody else's.
        """
        if self.at == UNIX:
            return ""
        _require_mine(self.folder / SECRET)
        return (self.folder / SECRET).read_text(encoding="ascii")


def prove(secret: str, nonce: str) -> str:
    """What shows that one knows the secret, for a number that the other side has chosen."""
    return hmac.new(secret.encode(), nonce.encode(), hashlib.sha256).hexdigest()


def read_hello(connection: socket.socket) -> bytes:
    """The first line that the other side says, byte by byte: what follows is for others to read.

    Raises:
        OSError: It does not come in time, or is too long.
    """
    line = bytearray()
    while not line.endswith(b"\n"):
        received = connection.recv(1)
        if not received or len(line) > MOST_HELLO:
            raise ConnectionError("Nothing that is expected is said.")
        line += received
    return bytes(line)


def find_door(folder: Path) -> Door | None:
    """The door of whoever holds the index of this folder; None when there is none, or nobody behind it."""
    folder = Path(os.path.realpath(folder))  # the shortest that it has: a socket needs a short one
    holder = read_holder(folder)
    door = Door(folder, holder.door) if holder is not None and holder.host == platform.node() else None
    return door if door is not None and door.at and is_answering(door) else None


def is_answering(door: Door) -> bool:
    """Whether the holder is there; else it was killed, or stopped."""
    try:
        connection, _ = door.connect()
    except (OSError, ValueError):
        return False
    connection.close()
    return True


def _require_mine(path: Path) -> None:
    """A folder may be one that others can write to.

    Raises:
        OSError: The file is not there, or another user's.
    """
    owner = os.lstat(path).st_uid
    if hasattr(os, "geteuid") and owner != os.geteuid():
        raise PermissionError(f"{path} is another user's.")
