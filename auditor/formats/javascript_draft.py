"""A unit of JavaScript source while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from auditor.model.source import Unit, Use, UseKind

__all__ = ["Draft"]


@dataclass(slots=True)
class Draft:
    """Collects uses, each once; members and strings once for the whole unit."""

    name: str
    line: int
    size: int
    is_class: bool = False
    quiet: bool = False
    """What is noted now stands where any failure is passed over."""
    uses: dict[Use, None] = field(default_factory=dict)
    _seen: set[tuple[UseKind, str, bool]] = field(default_factory=set)

    def add(
        self, kind: UseKind, name: str, line: int, *, called: bool = False, guarded: bool = False
    ) -> None:
        """Note a use."""
        guarded = guarded or (self.quiet and kind is not UseKind.DYNAMIC)
        if kind in {UseKind.MEMBER, UseKind.TEXT, UseKind.LOCAL}:
            if (kind, name, called) in self._seen:
                return
            self._seen.add((kind, name, called))
        self.uses[Use(kind, name, line, called=called, guarded=guarded)] = None

    def unit(self) -> Unit:
        """The finished unit."""
        return Unit(self.name, self.line, max(self.size, 0), tuple(self.uses), self.is_class)
