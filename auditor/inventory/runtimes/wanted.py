"""Which files beside a runtime tell of it, by their paths; their contents decide."""

from __future__ import annotations

__all__ = ["is_wanted"]

_ENDS = (
    "/release",
    "/OTP_VERSION",
    "/library/base/DESCRIPTION",
    "/elixir/ebin/elixir.app",
)


def is_wanted(path: str) -> bool:
    """Whether ``gather`` may ask for a file's content."""
    return path.endswith(_ENDS)
