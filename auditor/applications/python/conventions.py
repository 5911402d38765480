"""Modules that frameworks load without anybody's importing them."""

from __future__ import annotations

from dataclasses import replace

from auditor.model.source import SourceFacts, Unit, Use, UseKind

__all__ = ["by_convention"]

_CHILDREN = ("apps", "models", "base")
"""Of what Django's settings name: an application's ``apps`` and ``models`` ("Applications" in its
documentation), and a database engine's ``base`` (``django.db.utils.load_backend``)."""


def by_convention(facts: SourceFacts) -> SourceFacts:
    """The facts with what Django loads besides the modules that settings name."""
    return replace(facts, units=tuple(_extended(unit) for unit in facts.units))


def _extended(unit: Unit) -> Unit:
    more = tuple(
        Use(UseKind.TEXT, f"{use.name}.{child}", use.line)
        for use in unit.uses
        if use.kind is UseKind.TEXT
        for child in _CHILDREN
    )
    return replace(unit, uses=(*unit.uses, *more)) if more else unit
