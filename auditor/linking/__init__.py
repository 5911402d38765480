"""What the dynamic loader of an image would load and bind: ld.so's rules, and musl's."""

from __future__ import annotations

from auditor.linking.link import LinkedObject, LinkMap, Missing, link

__all__ = ["LinkMap", "LinkedObject", "Missing", "link"]
