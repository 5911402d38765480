"""An image with secrets in its configuration, scanned and inspected: none comes out anywhere."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest

from auditor.cli import main

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder

PASSWORD = "swordfish-7-hunter"
ARGUMENT = "abc-build-argument"
OVERRIDE = "given-on-the-command-line"
TOKEN = "ghp_" + "a1B2" * 9

SCRIPT = b"""#!/bin/sh
echo "$DB_PASSWORD"
"$DB_PASSWORD" --flag
mysql -p$DB_PASSWORD "$DATABASE_URL" "$SETTING"
/bin/$EXTRA_TOKEN
exec "$DB_PASSWORD" "$EXTRA_TOKEN"
"""


def script(build: Builder, name: str, text: bytes) -> tuple[tarfile.TarInfo, bytes]:
    return build.member(name, text, mode=0o755)


@pytest.fixture
def image(build: Builder) -> str:
    layer = build.tar(
        script(build, "entrypoint.sh", SCRIPT), script(build, "bin/sh", b"#!/bin/true\n")
    )
    path = build.layout(
        layer,
        config={
            "Entrypoint": ["/entrypoint.sh"],
            "Env": [
                "PATH=/bin",
                f"DB_PASSWORD={PASSWORD}",
                f"DATABASE_URL=mysql://app:{PASSWORD}@db/x",
                f"SETTING={TOKEN}",
                f"OPTIONS=--with {PASSWORD}",
            ],
            "Labels": {"note": f"log in with {PASSWORD}"},
        },
        history=[
            {"created_by": f"ENV DB_PASSWORD={PASSWORD}", "empty_layer": True},
            {"created_by": f"ARG NPM_TOKEN={ARGUMENT}", "empty_layer": True},
            {
                "created_by": f"RUN |1 NPM_TOKEN={ARGUMENT} /bin/sh -c curl -d {PASSWORD} "
                f"{ARGUMENT} {TOKEN} # buildkit"
            },
        ],
    )
    return f"oci-dir:{path}"


@pytest.mark.parametrize(
    "command",
    [
        ("scan", "{image}", "-o", "json"),
        ("scan", "{image}", "-v"),
        ("scan", "{image}", "-o", "json", "--env", f"EXTRA_TOKEN={OVERRIDE}"),
        ("scan", "{image}", "-v", "--env", f"EXTRA_TOKEN={OVERRIDE}"),
        ("inspect", "{image}", "/entrypoint.sh", "-o", "json"),
        ("inspect", "{image}", "/entrypoint.sh"),
    ],
)
def test_no_secret_reaches_any_output(
    image: str, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    assert main([word.format(image=image) for word in command]) == 0
    printed = capsys.readouterr()
    assert "/entrypoint.sh" in printed.out
    for secret in (PASSWORD, ARGUMENT, OVERRIDE, TOKEN):
        assert secret not in printed.out + printed.err


def test_the_report_shows_that_something_was_taken_out(
    image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["scan", image, "-o", "json"])
    assert "RUN |1 NPM_TOKEN=[redacted] /bin/sh -c curl -d [redacted]" in capsys.readouterr().out


def test_the_configuration_itself_holds_no_secret(image: str, build: Builder) -> None:
    config = build.open(image).image.config
    assert dict(config.env)["DATABASE_URL"] == "mysql://[redacted]@db/x"
    assert dict(config.env)["OPTIONS"] == "--with [redacted]"
    assert dict(config.labels)["note"] == "log in with [redacted]"
