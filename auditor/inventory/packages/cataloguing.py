"""syft beside the analysis: started once the image is there, asked for its answer at the end."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from auditor.image.bounds import Bounds
from auditor.image.rootfs import RootFS
from auditor.inventory.packages.folder import HandedOver, TooLargeError, hand_over
from auditor.inventory.packages.program import Run, RunFailedError, find_syft
from auditor.inventory.packages.records import STAGE, NotUnderstoodError, Packages
from auditor.inventory.packages.syft_json import read_syft
from auditor.model.inventory import Unknown
from auditor.signals import signals_held

__all__ = ["Cataloguing"]

_SHOWN = 3


class Cataloguing:
    """One run of syft over what of an image it looks for. Nothing about it stops a scan.

    Where it is not found, hangs, crashes or prints something else, the answer is an Unknown with
    the reason. Where the image holds nothing that it would read, it is not started at all.
    """

    def __init__(
        self,
        rootfs: RootFS,
        bounds: Bounds,
        *,
        program: str | None = None,
        time_limit: float | None = None,
    ) -> None:
        """Start it. ``program`` is a path or name; ``time_limit`` is in seconds."""
        self._run: Run | None = None
        self._unknowns: list[Unknown] = []
        self._problem: str | None = None
        self._work: Path | None = None
        try:
            self._start(rootfs, bounds, program, time_limit)
        except TooLargeError:
            bound = f"{bounds.store_size >> 20} MiB (--limit store-size)"
            self._problem = f"what syft looks for in the image is larger than {bound}"
        except RunFailedError as error:
            self._problem = f"syft {error}"
        except OSError as error:
            self._problem = f"syft could not be handed the files: {error.strerror or error}"
        except BaseException:
            self.close()
            raise

    def packages(self) -> Packages:
        """Wait for the answer."""
        try:
            if self._run is not None:
                found = read_syft(self._run.answer())
                return Packages(found.packages, found.by, (*found.unknowns, *self._unknowns))
        except RunFailedError as error:
            self._problem = f"syft {error}"
        except NotUnderstoodError as error:
            self._problem = f"syft's answer was not understood: {error}"
        finally:
            self.close()
        if self._problem is not None:
            self._unknowns.append(_unknown(f"packages are not known: {self._problem}"))
        return Packages(unknowns=tuple(self._unknowns))

    def close(self) -> None:
        """End it and remove its files; closing twice is harmless."""
        if self._run is not None:
            self._run.stop()
            self._run = None
        if self._work is not None:
            shutil.rmtree(self._work, ignore_errors=True)
            self._work = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.close()

    def _start(
        self, rootfs: RootFS, bounds: Bounds, program: str | None, time_limit: float | None
    ) -> None:
        with signals_held():
            self._work = Path(tempfile.mkdtemp(prefix="auditor-syft-"))
        folder = self._work / "image"
        folder.mkdir(mode=0o700)
        handed = hand_over(rootfs, folder, bounds.store_size)
        self._note_lost(handed)
        if not handed.packages:
            return
        found = find_syft(program)
        if found is None:
            name = "syft" if program is None else program
            self._problem = f"there is no program {name}"
            return
        with signals_held():
            self._run = Run(found, folder, self._work, limit=time_limit)

    def _note_lost(self, handed: HandedOver) -> None:
        if handed.lost:
            # a name may hold bytes that are no text
            shown = ", ".join(handed.lost[:_SHOWN]).encode(errors="backslashreplace").decode()
            more = len(handed.lost) - _SHOWN
            names = f"{shown} and {more} more" if more > 0 else shown
            reason = f"syft could not be handed some files that it looks for: {names}"
            self._unknowns.append(_unknown(reason))


def _unknown(reason: str) -> Unknown:
    """About the image as a whole: of no weight, since no program is less understood for it."""
    return Unknown("/", STAGE, reason)
