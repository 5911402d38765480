from __future__ import annotations

import pytest

from auditor.errors import UnreachableError
from auditor.image.engine import open_export
from auditor.model.image import Scheme


def test_offline_asks_no_engine_on_another_machine() -> None:
    # 192.0.2.0/24 is for documentation (RFC 5737): an attempt would end in "does not answer".
    environ = {"DOCKER_HOST": "tcp://192.0.2.1:2375"}
    with pytest.raises(UnreachableError, match="on another machine, and --offline says"):
        open_export(Scheme.DOCKER, "app", None, environ=environ, offline=True)


def test_offline_asks_an_engine_of_this_machine() -> None:
    environ = {"DOCKER_HOST": "unix:///no/such.sock"}
    with pytest.raises(UnreachableError, match="there is no such socket"):
        open_export(Scheme.DOCKER, "app", None, environ=environ, offline=True)
