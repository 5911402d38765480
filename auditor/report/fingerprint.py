"""What makes two findings of two scans the same."""

from __future__ import annotations

import hashlib

from auditor.report.wire import WireFinding

__all__ = ["fingerprint"]


def fingerprint(finding: WireFinding) -> str:
    """64 hexadecimal digits that survive a new tag and a rebuild.

    Made of rule, target, component and what the evidence says, not of lines, addresses, layers
    or the table's rows, which move without the finding having changed.
    """
    facts = sorted(
        {(item.kind, item.detail, item.path, item.member or "") for item in finding.evidence}
    )
    parts = (
        finding.rule,
        finding.target,
        finding.component,
        *(part for fact in facts for part in fact),
    )
    whole = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(whole).hexdigest()
