"""An image in a registry, its mirrors, and what is asked of whom."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import TypeVar

from auditor.errors import (
    BoundExceededError,
    CorruptImageError,
    ImageError,
    ImageNotFoundError,
    UnreachableError,
)
from auditor.image.blob import check_digest
from auditor.image.bounds import Bounds
from auditor.image.choosing import choose_manifest
from auditor.image.layer_index import LayerIndex
from auditor.image.manifest import INDEX_TYPES, MANIFEST_TYPES
from auditor.image.registry.endpoints import endpoints
from auditor.image.registry.names import ImageName, parse_name
from auditor.image.registry.patience import Patience
from auditor.image.registry.repository import Repository
from auditor.image.registry.sending import Sender
from auditor.image.registry.transfer import Transfer
from auditor.image.registry.transport import Transport
from auditor.image.registry.trust import Trust
from auditor.image.source import Access, Descriptor, Found, Readable, Reference
from auditor.model.image import Platform, Scheme

__all__ = ["RegistrySource", "open_registry"]

_T = TypeVar("_T")


class RegistrySource:
    """A ``BlobSource`` over the registry API. Nothing is connected before ``find``."""

    def __init__(
        self, name: ImageName, bounds: Bounds, access: Access, patience: Patience | None = None
    ) -> None:
        self.scheme = Scheme.REGISTRY
        self.origin = f"registry {name.registry}"
        self._name = name
        self._bounds = bounds
        self._access = access
        self._patience = patience or Patience()
        self._transport: Transport | None = None
        self._repositories: tuple[Repository, ...] = ()
        self._documents: dict[str, bytes] = {}

    def find(self, platform: Platform | None) -> Found:
        """The manifest by tag or digest, and by platform.

        Raises ``UnreachableError`` where the registry may not or cannot be asked, and other
        ``ImageError``s.
        """
        if self._access.offline:
            raise UnreachableError(
                f"{self._name} is in a registry, and --offline says not to ask one",
                hint="pull or save the image first, or leave --offline out",
            )
        self._connect()
        root = self._first_of(self._root)
        return choose_manifest(self, [root], None, platform, self._bounds)

    def open_blob(self, descriptor: Descriptor) -> Readable:
        """A blob, or a manifest that an index names; raises ``FileNotFoundError``."""
        digest = descriptor.digest
        if digest is None:
            raise FileNotFoundError(self.name(descriptor))
        check_digest(digest)  # it becomes part of a URL
        if digest in self._documents:
            return io.BytesIO(self._documents[digest])
        try:
            if _is_manifest(descriptor):
                document = self._first_of(lambda repository: repository.manifest(digest))
                self._documents[digest] = document.data
                return io.BytesIO(document.data)
            return self._transfer(digest, descriptor)
        except ImageNotFoundError as error:
            raise FileNotFoundError(str(error)) from error

    def indexed(self, descriptor: Descriptor) -> LayerIndex | None:  # noqa: ARG002 - all can be opened
        """Nothing: every layer can be opened."""
        return None

    def name(self, descriptor: Descriptor) -> str:
        """The blob's digest and where it is."""
        kind = "manifest" if _is_manifest(descriptor) else "blob"
        return f"{kind} {descriptor.digest} of {self._name.path}"

    def close(self) -> None:
        """Close the connections; closing twice is harmless."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        self._repositories = ()

    def _connect(self) -> None:
        """Settle whom to ask; no socket is opened yet."""
        self.close()
        places = endpoints(self._name, self._access)
        unverified = frozenset(place.host for place in places if not place.verified)
        trust = Trust(self._access.ca_file)
        self._transport = Transport(trust, unverified, self._patience.silence)
        sender = Sender(self._transport, self._patience)
        self._repositories = tuple(
            Repository(place, sender, self._bounds, self._patience) for place in places
        )

    def _root(self, repository: Repository) -> Descriptor:
        """What the name stands for: its digest is checked, whoever says it."""
        document = repository.manifest(self._name.version)
        digest = self._name.digest or document.digest
        if digest is not None:
            check_digest(digest)
        algorithm = digest.partition(":")[0] if digest else "sha256"
        actual = f"{algorithm}:{hashlib.new(algorithm, document.data).hexdigest()}"
        if digest not in {None, actual}:
            raise CorruptImageError(
                f"{repository.endpoint.title} serves a manifest with the digest {actual} "
                f"for {self._name}, where {digest} is expected",
                hint="it was changed or damaged on its way; do not use this image",
            )
        self.origin = repository.endpoint.title
        # Mirrors that did not have it are not asked for its blobs.
        self._repositories = self._repositories[self._repositories.index(repository) :]
        self._documents[actual] = document.data
        # No media type: what the document holds decides what it is, not a header that no digest
        # covers (CVE-2021-41190).
        return Descriptor("", actual, len(document.data))

    def _first_of(self, ask: Callable[[Repository], _T]) -> _T:
        """What the first endpoint gives that has it. A wrong digest or size ends the search."""
        failed: list[ImageError] = []
        for repository in self._repositories:
            try:
                return ask(repository)
            except (CorruptImageError, BoundExceededError):
                raise
            except ImageError as error:
                failed.append(error)
        if not failed:
            raise UnreachableError(f"{self._name} was closed before it was read")
        *before, last = failed
        if not before:
            raise last
        told = "; ".join(str(error) for error in before)
        raise type(last)(f"{last}; before that: {told}", hint=last.hint) from last

    def _transfer(self, digest: str, descriptor: Descriptor) -> Transfer:
        size = descriptor.size
        return Transfer(
            lambda offset: self._first_of(lambda one: one.blob(digest, size, offset)),
            size,
            self._patience,
            self.name(descriptor),
        )


def open_registry(reference: Reference, bounds: Bounds, access: Access) -> RegistrySource:
    """``registry:NAME``; raises ``UsageError`` where the name breaks Docker's grammar.

    Nothing is connected before ``find``.
    """
    return RegistrySource(parse_name(reference.location), bounds, access)


def _is_manifest(descriptor: Descriptor) -> bool:
    known = descriptor.media_type in INDEX_TYPES | MANIFEST_TYPES
    return known or not descriptor.media_type or ".manifest." in descriptor.media_type
