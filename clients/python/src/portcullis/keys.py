"""Key files: the 32-byte Ed25519 seed as 64 hexadecimal digits in a file that only its owner reads.

They are the files that `portcullis keygen` writes. The server knows the public key only.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portcullis.errors import KeyFileError


def load(path: str | os.PathLike[str]) -> Ed25519PrivateKey:
    """Reads a key file. Raises KeyFileError, also where others may read or write the file."""
    path = Path(path)
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise KeyFileError(f"cannot read key file {path}: {error.strerror}") from error
    if os.name == "posix" and mode & 0o077:
        raise KeyFileError(
            f"key file {path} has mode {mode:04o}: others may use it; run `chmod 600 {path}`"
        )
    try:
        seed = bytes.fromhex(text)
    except ValueError:
        seed = b""
    if len(text) != 64 or len(seed) != 32:
        raise KeyFileError(
            f"key file {path} does not hold the 64 hexadecimal digits of an Ed25519 seed"
        )
    return Ed25519PrivateKey.from_private_bytes(seed)
