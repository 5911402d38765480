"""Images of a container engine on this machine or another: Docker, and Podman by the same API.

The engine is asked by the ``docker`` SDK and only read from: nothing is pulled, made or removed.
Where no engine is, that is found out without the SDK, whose import is slow.
"""

from __future__ import annotations

from auditor.image.engine.endpoint import Patience
from auditor.image.engine.export import Export, open_export

__all__ = ["Export", "Patience", "open_export"]
