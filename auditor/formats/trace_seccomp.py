"""Seccomp profiles in JSON that were recorded of a program.

The format is that of the OCI runtime specification (``linux.seccomp``), which Docker, Podman and
the Security Profiles Operator write.
"""

from __future__ import annotations

import msgspec

from auditor.formats import FormatError
from auditor.formats.trace_counts import Counts, Hints
from auditor.model.trace import Trace, TraceForm

__all__ = ["read_seccomp"]

_LETS = frozenset({"SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY"})


class _Rule(msgspec.Struct, frozen=True):
    action: str
    names: list[str] = []
    name: str = ""
    """How profiles of before 2016 write it."""
    includes: dict[str, object] | None = None
    excludes: dict[str, object] | None = None


class _Profile(msgspec.Struct, frozen=True):
    default: str = msgspec.field(name="defaultAction")
    rules: list[_Rule] = msgspec.field(name="syscalls", default_factory=list)


class _Linux(msgspec.Struct, frozen=True):
    seccomp: _Profile | None = None


class _Spec(msgspec.Struct, frozen=True):
    """A whole ``config.json``, or a ``SeccompProfile`` of Kubernetes."""

    linux: _Linux | None = None
    spec: _Profile | None = None


def read_seccomp(data: bytes, hints: Hints) -> Trace:
    """The calls that a profile lets through. Raises ``FormatError`` for one that shows nothing.

    A profile for any program (an engine's default) has rules for capabilities and versions, or
    lets through whatever it does not name: it says nothing of one program.
    """
    profile = _profile(data)
    if profile.default in _LETS:
        raise FormatError("this seccomp profile names what is forbidden, not what a program calls")
    if any(rule.includes or rule.excludes for rule in profile.rules):
        raise FormatError("this seccomp profile is an engine's, made for any program")
    counts = Counts(hints)
    for rule in profile.rules:
        if rule.action not in _LETS:
            continue
        for name in (*rule.names, *([rule.name] if rule.name else ())):
            if name in hints.start_up:
                counts.start_up += 1
            else:
                counts.add("", name)
    return counts.trace(TraceForm.SECCOMP)


def _profile(data: bytes) -> _Profile:
    try:
        whole = msgspec.json.decode(data, type=_Spec)
        inner = whole.spec or (whole.linux.seccomp if whole.linux is not None else None)
        return inner or msgspec.json.decode(data, type=_Profile)
    except (msgspec.DecodeError, RecursionError) as error:
        raise FormatError(f"it is JSON, and no seccomp profile: {error}") from None
