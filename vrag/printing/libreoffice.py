"""LibreOffice, run for one file: without macros, links or network, in its own profile, so that many can run at once.

Nothing here limits its time: it runs in the process that reads pages, and is ended with it (`vrag.pages.workers`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from vrag.errors import PageError

MOST_PAGES = 1000  # of a print
MOST_BYTES = 1 << 30  # of a file that it writes
INSTALL = (
    "Install it: apt-get install libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui, "
    "brew install --cask libreoffice, or from libreoffice.org."
)
_ELSEWHERE = (
    "/Applications/LibreOffice.app/Contents/MacOS/soffice",
    r"C:\Program Files\LibreOffice\program\soffice.exe",
)
_KEPT = ("PATH", "HOME", "USER", "SYSTEMROOT", "APPDATA", "LOCALAPPDATA", "FONTCONFIG_PATH", "FONTCONFIG_FILE")
_COMMON, _INET = "org.openoffice.Office.Common/Security/Scripting", "org.openoffice.Inet/Settings"
_SETTINGS = (
    (_COMMON, "MacroSecurityLevel", "3"),  # only signed macros of places that are trusted, and none is
    (_COMMON, "DisableMacrosExecution", "true"),
    (_COMMON, "BlockUntrustedRefererLinks", "true"),  # pictures and sections that lie elsewhere
    ("org.openoffice.Office.Writer/Content/Update", "Link", "0"),  # never
    ("org.openoffice.Office.Calc/Content/Update", "Link", "2"),  # never
    (_INET, "ooInetProxyType", "1"),  # whatever asks the network all the same asks a port where nobody answers
    (_INET, "ooInetHTTPProxyName", "127.0.0.1"),
    (_INET, "ooInetHTTPProxyPort", "9"),
    (_INET, "ooInetHTTPSProxyName", "127.0.0.1"),
    (_INET, "ooInetHTTPSProxyPort", "9"),
)
_REGISTRY = '<oor:items xmlns:oor="http://openoffice.org/2001/registry">\n{}\n</oor:items>\n'
_ITEM = '<item oor:path="/{}"><prop oor:name="{}" oor:op="fuse"><value>{}</value></prop></item>'


def find_libreoffice() -> str | None:
    """Its program; None where it is not installed."""
    found = shutil.which("soffice") or shutil.which("libreoffice")
    return found or next((place for place in _ELSEWHERE if os.path.isfile(place)), None)


def convert(source: Path, application: str, work: Path) -> Path:
    """Print a file to a PDF of at most one page more than `MOST_PAGES`.

    Args:
        source: With a name that says nothing to a command line.
        application: writer, calc or impress.
        work: A folder for the profile, the PDF and what is temporary.

    Raises:
        PageError: It is not installed, or cannot print the file.
    """
    program = find_libreoffice()
    if program is None:
        raise PageError("LibreOffice, which prints it, is not installed.", INSTALL)
    profile = work / "profile"
    _set_up(profile)
    pages = json.dumps({"PageRange": {"type": "string", "value": f"1-{MOST_PAGES + 1}"}})
    reading = ["--infilter=HTML (StarWriter)"] if source.suffix == ".html" else []  # else it makes one endless page
    code = subprocess.run(
        [*_confinement(), program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", *reading,
         "--convert-to", f"pdf:{application}_pdf_Export:{pages}", "--outdir", str(work), str(source)],
        cwd=work,
        env=_environment(work),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode  # fmt: skip
    pdf = source.with_suffix(".pdf")
    if not pdf.is_file() or not pdf.stat().st_size:
        how = f"crashed while it printed it (exit code {code})" if code else "cannot print it"
        raise PageError(f"LibreOffice {how}: it is damaged, or needs too much memory.", "Save it anew, or as a PDF.")
    return pdf


def _confinement() -> list[str]:
    if sys.platform == "win32":
        return []
    return [sys.executable, "-I", str(Path(__file__).with_name("confined.py")), str(MOST_BYTES)]


def _set_up(profile: Path) -> None:
    """Make a profile that lets documents do nothing."""
    registry = profile / "user" / "registrymodifications.xcu"
    registry.parent.mkdir(parents=True, exist_ok=True)
    registry.write_text(_REGISTRY.format("\n".join(_ITEM.format(*setting) for setting in _SETTINGS)), encoding="utf-8")


def _environment(work: Path) -> dict[str, str]:
    """What it needs of the environment, and nothing secret; its paper and numbers are the same everywhere."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", "TMPDIR": str(work), "TEMP": str(work), "OSL_SOCKET_PATH": "."}
