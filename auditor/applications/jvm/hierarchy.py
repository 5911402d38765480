"""Class hierarchies: where a method is declared, and which method a call may come to.

A virtual call goes to the method of whichever class the receiver has. So a class gets a unit for
each method of a supertype that it overrides: ``Sub.com/lib/Base#get``, which stands for the call
``com/lib/Base#get`` and uses ``Sub.get``. That is class hierarchy analysis (Dean, Grove and
Chambers, ECOOP 1995), which following then narrows to the classes that are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from auditor.applications.jvm.standard import called_back
from auditor.formats.classfile import ClassFacts, Method, unit_of
from auditor.model.source import SourceFacts, Unit, Use, UseKind

__all__ = ["ancestors", "declaring", "with_dispatch"]

Lookup = Callable[[str], ClassFacts | None]
"""Facts of a class of the image by name."""

_MAX_ANCESTORS = 128
_MAX_UNITS = 4000
_OWN = frozenset({"<init>", "<clinit>"})


def supertypes(facts: ClassFacts) -> tuple[str, ...]:
    """What a class extends and implements, in that order."""
    return (*((facts.superclass,) if facts.superclass else ()), *facts.interfaces)


def ancestors(facts: ClassFacts, lookup: Lookup) -> Iterator[ClassFacts]:
    """Supertypes that are in the image, nearest first, each once."""
    seen = {facts.name}
    pending = [*supertypes(facts)]
    while pending and len(seen) < _MAX_ANCESTORS:
        name = pending.pop(0)
        if name in seen:
            continue
        seen.add(name)
        found = lookup(name)
        if found is not None:
            pending += supertypes(found)
            yield found


def declaring(facts: ClassFacts, method: str, lookup: Lookup) -> tuple[ClassFacts | None, str]:
    """The class that declares a method, looked for from a class upwards (JVMS 5.4.3.3).

    Where none of the image does: ``None``, and the superclass at which the image ends.
    """
    if method in facts.methods:
        return facts, facts.name
    found = next((one for one in ancestors(facts, lookup) if method in one.methods), None)
    if found is not None:
        return found, found.name
    return None, _edge(facts, lookup)


def _edge(facts: ClassFacts, lookup: Lookup) -> str:
    """The first superclass that is not in the image."""
    current, seen = facts, {facts.name}
    while current.superclass and current.superclass not in seen:
        seen.add(current.superclass)
        above = lookup(current.superclass)
        if above is None:
            break
        current = above
    return current.superclass or "java.lang.Object"


def with_dispatch(facts: ClassFacts, lookup: Lookup, *, own: bool) -> SourceFacts:
    """A class's source with units for the calls that may come to its methods.

    Of a class that is not the application's ``own``, methods by which the platform calls back
    are uses of the class itself: all of an application's own run in any case.
    """
    above = list(ancestors(facts, lookup))
    units = [unit for base in above for unit in _dispatched(facts, base, lookup, own=own)]
    source = facts.source
    if not own:
        source = _with_callbacks(facts, lookup)
    return replace(source, units=(*source.units, *units[:_MAX_UNITS]))


def _dispatched(
    facts: ClassFacts, base: ClassFacts, lookup: Lookup, *, own: bool
) -> Iterator[Unit]:
    """Units for the methods of one supertype."""
    unit, prefix = unit_of(facts.name), base.name.replace(".", "/")
    for method in base.methods.values():
        if not _virtual(method):
            continue
        mine = facts.methods.get(method.name)
        if mine is not None and _virtual(mine):
            use = Use(UseKind.LOCAL, f"{unit}.{method.name}", 0, called=True)
        elif base.interface and (heir := _inherited(facts, base, method.name, lookup)):
            use = Use(UseKind.NAME, f"{heir}.{method.name}", 0, called=not own)
        else:
            continue
        yield Unit(f"{unit}.{prefix}#{method.name}", 0, 0, (use,))


def _virtual(method: Method) -> bool:
    return not method.static and not method.private and method.name not in _OWN


def _inherited(facts: ClassFacts, base: ClassFacts, method: str, lookup: Lookup) -> str | None:
    """A superclass whose method implements an interface that it does not know itself."""
    current, seen = facts, {facts.name}
    while current.superclass and current.superclass not in seen:
        above = lookup(current.superclass)
        if above is None:
            return None
        seen.add(above.name)
        if method in above.methods:
            known = any(one.name == base.name for one in ancestors(above, lookup))
            return None if known else above.name
        current = above
    return None


def _with_callbacks(facts: ClassFacts, lookup: Lookup) -> SourceFacts:
    unit = unit_of(facts.name)
    names: dict[str, None] = {}
    for name in supertypes(facts):
        if lookup(name) is not None:
            continue
        known = called_back(name)
        if known is None:
            known = tuple(one.name for one in facts.methods.values() if _virtual(one))
        names |= dict.fromkeys(method for method in known if method in facts.methods)
    uses = tuple(Use(UseKind.LOCAL, f"{unit}.{method}", 0) for method in sorted(names))
    if not uses:
        return facts.source
    units = tuple(
        replace(one, uses=(*one.uses, *uses)) if one.is_class else one for one in facts.source.units
    )
    return replace(facts.source, units=units)
