"""Paths inside an image: resolved by our own rules, so that no link leads out of the root."""

from __future__ import annotations

from collections.abc import Callable

from auditor.model.image import Entry, EntryKind

__all__ = ["MAX_LINKS", "ROOT", "find", "join"]

MAX_LINKS = 40
"""Linux: ``MAXSYMLINKS`` in ``include/linux/namei.h``."""

ROOT = Entry(path="/", kind=EntryKind.DIRECTORY, size=0, mode=0o755, layer=None)

Probe = Callable[[str], Entry | None]
"""The entry at a path whose directories hold no link; never asked for ``/``."""


def join(parts: list[str]) -> str:
    """An absolute path of its parts."""
    return "/" + "/".join(parts)


def find(
    path: str,
    probe: Probe,
    *,
    follow_last: bool,
    links: int = MAX_LINKS,
    exceeded: Callable[[], object] = lambda: None,
) -> Entry | None:
    """Walk ``path`` from the root as the kernel would after ``chroot`` (path_resolution(7)).

    ``..`` at the root stays there, absolute links start at the root again. ``None`` where
    something is missing, is no directory on the way, or where more than ``links`` links have to
    be followed; ``exceeded`` is called in this last case.
    """
    pending = path.split("/")[::-1]
    must_be_directory = path.endswith(("/", "/.", "/.."))
    done: list[Entry] = []
    followed = 0
    while pending:
        part = pending.pop()
        if part in ("", "."):
            continue
        here = done[-1] if done else ROOT
        if here.kind is not EntryKind.DIRECTORY:
            return None
        if part == "..":
            del done[-1:]
            continue
        entry = probe(f"{here.path}/{part}" if done else f"/{part}")
        if entry is None:
            return None
        last = not any(name not in ("", ".") for name in pending)
        if entry.kind is EntryKind.SYMLINK and (follow_last or not last or must_be_directory):
            followed += 1
            if followed > links:
                exceeded()
                return None
            if not entry.link_target:
                return None
            _follow(entry.link_target, done, pending)
            continue
        done.append(entry)
    found = done[-1] if done else ROOT
    if must_be_directory and found.kind is not EntryKind.DIRECTORY:
        return None
    return found


def _follow(target: str, done: list[Entry], pending: list[str]) -> None:
    """Put a link's target before what is still to be walked."""
    if target.startswith("/"):
        done.clear()
    pending.extend(target.split("/")[::-1])
