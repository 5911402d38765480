"""``docker-credential-NAME get``: a program that keeps credentials.

The protocol is that of ``github.com/docker/docker-credential-helpers``: the server on standard
input, JSON on standard output.
"""

from __future__ import annotations

import re
import shutil
import subprocess

import msgspec

from auditor.image.registry.auth_file import Broken
from auditor.image.registry.credential import IDENTITY, Credential

__all__ = ["ask_helper"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_NONE = "credentials not found"
"""The start of what every helper says where it has none (``ErrCredentialsNotFound``)."""


class _Answer(msgspec.Struct, rename="pascal"):
    username: str = ""
    secret: str = ""


def ask_helper(name: str, server: str, time_limit: float) -> Credential | None:
    """What a helper has for a server; raises ``Broken`` where it fails. The limit is in seconds."""
    program = f"docker-credential-{name}"
    path = shutil.which(program) if _NAME.fullmatch(name) else None
    if path is None:
        raise Broken(f"the credential helper {program[:100]} is not on PATH")
    try:
        done = subprocess.run(
            [path, "get"],
            input=server.encode(),
            capture_output=True,
            timeout=time_limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Broken(
            f"the credential helper {program} did not answer within {time_limit:g} seconds"
        ) from None
    except OSError as error:
        raise Broken(
            f"the credential helper {program} cannot be run: {error.strerror or error}"
        ) from error
    if done.returncode != 0:
        said = (done.stdout + b"\n" + done.stderr).decode(errors="replace").strip()
        if _NONE in said:
            return None
        line = said.partition("\n")[0][:200]
        raise Broken(
            f"the credential helper {program} failed with exit code {done.returncode}"
            + (f": {line}" if line else "")
        )
    try:
        answer = msgspec.json.decode(done.stdout, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Broken(f"the credential helper {program} gave no JSON answer") from None
    if answer.username == IDENTITY:
        return Credential(program, identity_token=answer.secret)
    return Credential(program, answer.username, answer.secret) if answer.username else None
