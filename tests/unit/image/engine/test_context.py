from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from auditor.errors import UnreachableError, UsageError
from auditor.image.engine.context import chosen_context
from auditor.image.engine.endpoint import candidates
from auditor.model.image import Scheme


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"DOCKER_CONFIG": str(tmp_path)}


def identity(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def create(environ: dict[str, str], name: str, engine: Any, *files: str) -> None:
    """Write what ``docker context create`` does (docker 28.2)."""
    folder = Path(environ["DOCKER_CONFIG"]) / "contexts"
    meta = folder / "meta" / identity(name)
    meta.mkdir(parents=True)
    document = {"Name": name, "Metadata": {}, "Endpoints": {"docker": engine}}
    (meta / "meta.json").write_text(json.dumps(document))
    for file in files:
        path = folder / "tls" / identity(name) / "docker" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def use(environ: dict[str, str], name: str) -> None:
    config = {"auths": {}, "currentContext": name}
    (Path(environ["DOCKER_CONFIG"]) / "config.json").write_text(json.dumps(config))


def test_there_is_none_without_settings(environ):
    assert chosen_context(environ) is None
    assert chosen_context({"HOME": environ["DOCKER_CONFIG"]}) is None


@pytest.mark.parametrize("name", ["", "default"])
def test_the_default_one_is_no_file(environ, name):
    use(environ, name)
    assert chosen_context(environ) is None


def test_the_current_one_is_in_the_settings(environ):
    create(environ, "far", {"Host": "tcp://h:1", "SkipTLSVerify": False})
    use(environ, "far")
    context = chosen_context(environ)
    assert context is not None
    assert (context.host, context.tls) == ("tcp://h:1", None)


def test_docker_context_wins_over_the_settings_and_docker_host_over_both(environ):
    create(environ, "far", {"Host": "tcp://far:1"})
    create(environ, "near", {"Host": "unix:///near.sock"})
    use(environ, "far")
    environ["DOCKER_CONTEXT"] = "near"
    (place,) = candidates(Scheme.DOCKER, environ)
    assert (place.url, place.told_by) == ("unix:///near.sock", "the Docker context 'near'")
    environ["DOCKER_HOST"] = "tcp://host:1"
    (place,) = candidates(Scheme.DOCKER, environ)
    assert place.url == "tcp://host:1"


def test_default_in_docker_context_wins_over_the_settings(environ):
    create(environ, "far", {"Host": "tcp://far:1"})
    use(environ, "far")
    assert chosen_context(environ | {"DOCKER_CONTEXT": "default"}) is None


def test_its_tls_material_is_used(environ):
    create(environ, "far", {"Host": "tcp://h:1"}, "ca.pem", "cert.pem", "key.pem")
    use(environ, "far")
    context = chosen_context(environ)
    assert context is not None
    assert context.tls is not None
    assert context.tls.verify
    folder = Path(environ["DOCKER_CONFIG"]) / "contexts/tls" / identity("far") / "docker"
    assert context.tls.ca == folder / "ca.pem"
    assert context.tls.certificate == (folder / "cert.pem", folder / "key.pem")


def test_an_authority_alone_is_enough(environ):
    create(environ, "far", {"Host": "tcp://h:1"}, "ca.pem")
    use(environ, "far")
    context = chosen_context(environ)
    assert context is not None
    assert context.tls is not None
    assert context.tls.certificate is None


def test_not_to_verify_is_to_speak_tls_all_the_same(environ):
    create(environ, "far", {"Host": "tcp://h:1", "SkipTLSVerify": True})
    use(environ, "far")
    context = chosen_context(environ)
    assert context is not None
    assert context.tls is not None
    assert not context.tls.verify


def test_one_that_is_not_there_is_named_and_who_chose_it(environ):
    use(environ, "gone")
    with pytest.raises(UsageError, match=r"config\.json chooses the Docker context 'gone'"):
        chosen_context(environ)
    with pytest.raises(UsageError, match="DOCKER_CONTEXT chooses the Docker context 'lost'"):
        chosen_context(environ | {"DOCKER_CONTEXT": "lost"})


@pytest.mark.parametrize("engine", [{}, {"Host": ""}])
def test_one_without_an_engine_is_a_usage_error(environ, engine):
    create(environ, "far", engine)
    use(environ, "far")
    with pytest.raises(UsageError, match="the Docker context 'far' names no engine"):
        chosen_context(environ)


@pytest.mark.parametrize("engine", [[], "x", {"Host": 1}, {"SkipTLSVerify": "no"}])
def test_one_of_another_shape_is_a_usage_error(environ, engine):
    create(environ, "far", engine)
    use(environ, "far")
    with pytest.raises(UsageError, match=r"meta\.json is not what Docker writes"):
        chosen_context(environ)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"\xff", b'{"currentContext": 1}', b"[" * 100_000]
)
def test_settings_that_make_no_sense_are_a_usage_error(environ, data):
    (Path(environ["DOCKER_CONFIG"]) / "config.json").write_bytes(data)
    with pytest.raises(UsageError, match=r"config\.json is not what Docker writes"):
        chosen_context(environ)


def test_settings_that_cannot_be_read_are_said_to_be(environ):
    (Path(environ["DOCKER_CONFIG"]) / "config.json").mkdir()
    with pytest.raises(UnreachableError, match=r"cannot read .*config\.json: Is a directory"):
        chosen_context(environ)


def test_nonsense_for_a_host_names_the_context(environ):
    create(environ, "far", {"Host": "nonsense"})
    use(environ, "far")
    with pytest.raises(UsageError, match="the Docker context 'far' is 'nonsense'"):
        candidates(Scheme.DOCKER, environ)
