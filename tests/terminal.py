"""A person at a terminal: a command on a pseudo-terminal of its own, to which keys are typed."""

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

CTRL_C, CTRL_D = "\x03", "\x04"
_LEADS = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
_STYLES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """Runs a command in a session of its own, whose terminal it leads, so that Ctrl-C reaches it as a signal.

    Args:
        arguments: Path of the program, and its arguments.
        environment: Of the command.
        cwd: Where it runs.
        columns: Characters of its lines.
    """

    def __init__(self, arguments, environment, cwd, columns=120):
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LEADS, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**environment, "TERM": "xterm-256color", "VRAG_LOG": "off"},
            cwd=cwd,
        )
        os.close(theirs)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unread = ""
        self.styled = ""  # all that was shown so far, with its styles

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def type(self, keys):
        """Press keys."""
        os.write(self._ours, keys.encode())

    def until(self, text, seconds=180):
        """What is shown up to a text and with it, styles taken away; what comes behind it is left for the next call."""
        end = time.monotonic() + seconds
        while text not in self._plain():
            assert time.monotonic() < end, f"no {text!r} in {self._unread!r}"
            ready, _, _ = select.select([self._ours], [], [], 0.1)
            if ready:
                self._read()
        seen, found, rest = self._plain().partition(text)
        self._unread = rest
        return (seen + found).replace("\r\n", "\n")

    def press_until(self, key, text):
        """Press a key until a text is shown: a signal that comes just before Python waits for keys goes unnoticed."""
        for _ in range(90):
            self.type(key)
            with contextlib.suppress(AssertionError):
                return self.until(text, 2)
        raise AssertionError(self.styled)

    def says(self, keys, prompt):
        """What is shown between a line that is typed and the next prompt."""
        self.type(keys + "\n")
        return self.until(prompt).removeprefix(keys).removesuffix(prompt).strip("\n")

    def code(self, seconds=60):
        """The exit code, once it has ended."""
        with contextlib.suppress(EOFError):
            while self._process.poll() is None or select.select([self._ours], [], [], 0)[0]:
                self._read()
        return self._process.wait(seconds)

    @property
    def plain(self):
        """All that was shown so far, styles taken away."""
        return _STYLES.sub("", self.styled).replace("\r\n", "\n")

    def _read(self):
        try:
            more = self._decoder.decode(os.read(self._ours, 1 << 16))
        except OSError:  # it has ended: Linux says so, other systems give nothing
            more = ""
        if not more and self._process.poll() is not None:
            raise EOFError(self.styled)
        self.styled += more
        self._unread += more

    def _plain(self):
        return _STYLES.sub("", self._unread)
