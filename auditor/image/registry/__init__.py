"""Images from OCI Distribution registries, without any daemon.

``names`` says what a name means, ``endpoints`` whom to ask, ``credentials`` and ``tokens`` with
which proof, ``trust`` and ``transport`` how, ``sending`` and ``transfer`` how often.
"""

from auditor.image.registry.names import ImageName, parse_name
from auditor.image.registry.patience import Patience
from auditor.image.registry.source import RegistrySource, open_registry

__all__ = ["ImageName", "Patience", "RegistrySource", "open_registry", "parse_name"]
