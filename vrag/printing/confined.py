"""Run as a program, by path: bounds itself, gives up the network, and becomes the command that it is given.

    python -I confined.py BYTES COMMAND...

BYTES is the most that one file may have that the command writes. On Linux neither the command nor anything that it
starts gets a socket for a network from then on, whatever it is made to do; elsewhere its own settings have to do. This
file imports nothing of vrag: it is over in milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

_SOCKET_CALLS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}  # the kernel's number of machine and call
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # of the kernel's filter language
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 13  # EACCES
_AT_CALL, _AT_MACHINE, _AT_FIRST_ARGUMENT = 0, 4, 16  # offsets in what a filter is shown
_AF_UNIX = 1


def forbid_network() -> bool:
    """Whether this process, and all that it starts, can make sockets within the machine alone from now on."""
    if not sys.platform.startswith("linux") or platform.machine() not in _SOCKET_CALLS:
        return False
    machine, call = _SOCKET_CALLS[platform.machine()]
    steps = [  # code, steps to pass over when equal and when not, operand
        (_LOAD, 0, 0, _AT_MACHINE),
        (_JUMP_IF_EQUAL, 1, 0, machine),
        (_RETURN, 0, 0, _REFUSE),  # calls in the form of another machine
        (_LOAD, 0, 0, _AT_CALL),
        (_JUMP_IF_EQUAL, 0, 3, call),
        (_LOAD, 0, 0, _AT_FIRST_ARGUMENT),
        (_JUMP_IF_EQUAL, 1, 0, _AF_UNIX),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(steps), ctypes.addressof(buffer))  # struct sock_fprog
    control = ctypes.CDLL(None).prctl
    control.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_ulong]
    return not (
        control(_PR_SET_NO_NEW_PRIVS, 1, None, 0, 0) or control(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program, 0, 0)
    )


def bound_files(most: int) -> None:
    """Bound the size of files that are written, and leave no memory images behind, where the system can do that."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    bound_files(int(sys.argv[1]))
    forbid_network()
    os.execv(sys.argv[2], sys.argv[2:])
