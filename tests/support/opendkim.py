"""OpenDKIM as a second, independent verifier; it asks a name server that the test holds."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.support.letters_to_sign import Published

PROGRAM = shutil.which("opendkim") or ("/usr/sbin/opendkim" if Path("/usr/sbin/opendkim").exists() else None)
MISSING = "OpenDKIM is not installed: apt install opendkim"


def verdicts(message: bytes, published: Published, folder: Path) -> list[tuple[str, str]]:
    """Return algorithm and verdict of each signature, from top to bottom: `[("rsa-sha256", "pass"), …]`."""
    assert PROGRAM is not None
    keys, settings, letter = folder / "keys", folder / "opendkim.conf", folder / "letter.eml"
    lines = [f"{name.decode().rstrip('.')} {value.decode()}\n" for name, value in published.records.items()]
    keys.write_text("".join(lines), "ascii")
    settings.write_text(f"Mode v\nTestPublicKeys {keys}\nSyslog no\n", "utf-8")
    letter.write_bytes(message)
    done = subprocess.run(
        [PROGRAM, "-x", settings, "-vvv", "-t", letter], capture_output=True, text=True, timeout=60, check=False
    )
    found = re.findall(r"dkim=(\w+)[^;']*?header\.a=([\w-]+)", done.stdout, re.DOTALL)
    assert found, done.stdout + done.stderr
    return [(algorithm, verdict) for verdict, algorithm in found]
