"""A tar archive that holds an image: what a source needs of it, however it is read."""

from __future__ import annotations

import posixpath
from typing import Generic, Protocol, TypeVar

from auditor.image.layer_index import LayerIndex, normal_parts
from auditor.image.source import Readable
from auditor.image.tar import Member, MemberKind

__all__ = ["Archive", "Members"]

_HOPS = 8
"""Links from one member to another; Docker writes one at most."""

T = TypeVar("T")


class Archive(Protocol):
    """What a source needs of an archive."""

    title: str
    """What to call it in a message."""

    def __contains__(self, name: str) -> bool: ...

    def open(self, name: str) -> Readable:
        """A member's content; ``FileNotFoundError`` where there is none."""
        ...

    def size(self, name: str) -> int:
        """Bytes of a member's content; ``FileNotFoundError`` where there is none."""
        ...

    def indexed(self, name: str) -> LayerIndex | None:
        """A member that was read as a layer when it came by; ``None`` where it can be opened."""
        ...

    def label(self, name: str) -> str:
        """What to call a member in a message."""
        ...

    def close(self) -> None:
        """Let go of it; closing twice is harmless."""
        ...


class Members(Generic[T]):
    """Something about each member by its name; links (equal layers of old Docker) are followed."""

    def __init__(self) -> None:
        self._found: dict[str, T] = {}
        self._links: dict[str, str] = {}

    def add_link(self, member: Member) -> None:
        """Note a member that is a link; one that is neither hard nor symbolic is passed over."""
        name = _normal(member.name)
        if member.kind is MemberKind.SYMLINK:
            self._links[name] = posixpath.normpath(posixpath.join(name, "..", member.link))
        elif member.kind is MemberKind.HARD_LINK:
            self._links[name] = _normal(member.link)

    def add(self, member: Member, value: T) -> None:
        """Note a member that is a file; of several of one name the last stays."""
        self._found[_normal(member.name)] = value

    def get(self, name: str) -> T | None:
        """What was noted for the file that a name leads to."""
        for _ in range(_HOPS):
            if name in self._found:
                return self._found[name]
            if name not in self._links:
                break
            name = self._links[name]
        return None

    def values(self) -> tuple[T, ...]:
        """Everything that was noted for files."""
        return tuple(self._found.values())


def _normal(name: str) -> str:
    return "/".join(normal_parts(name) or ())
