"""Packages and owners by the real syft: the same as on the whole image, for less."""

from __future__ import annotations

import io
import json
import os
import subprocess
import zipfile

import pytest

import auditor
from auditor.inventory.packages.program import find_syft
from auditor.pipeline import Options
from auditor.report.json import render
from fixtures.images.oci import Step, write_image, write_layer

pytestmark = pytest.mark.integration


def whole(layout):
    """What syft says of an image as a whole: name, version, type, package URL and licences."""
    program = find_syft()
    assert program is not None
    done = subprocess.run(
        [program, "scan", f"oci-dir:{layout}", "--quiet", "--output", "syft-json"],
        env={**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false"},
        capture_output=True,
        check=True,
    )
    return sorted(
        (
            one["name"],
            one["version"],
            one["type"],
            one["purl"],
            sorted({item["spdxExpression"] or item["value"] for item in one["licenses"]}),
        )
        for one in json.loads(done.stdout)["artifacts"]
    )


def told(report):
    """The same of a report."""
    return sorted(
        (one.name, one.version, one.type, one.purl, one.licences) for one in report.packages
    )


def owners(report):
    return {component.path: component.package for component in report.components}


@pytest.mark.parametrize("name", ["nginx", "python-app", "redis"])
def test_packages_of_a_real_image_are_those_of_the_whole_image(real_image, name):
    layout = real_image(name)
    report = auditor.scan(f"oci-dir:{layout}")
    assert [item for item in report.unknowns if item.stage == "packages"] == []
    assert len(report.packages) > 100
    assert told(report) == whole(layout)


def test_programs_of_a_package_say_so_and_others_do_not(real_image):
    found = owners(auditor.scan(f"oci-dir:{real_image('nginx')}"))
    assert found["/usr/sbin/nginx"] == "nginx"
    assert found["/usr/bin/bash"] == "bash"  # Debian's list says /bin/bash
    assert found["/usr/lib/x86_64-linux-gnu/libc.so.6"] == "libc6"
    assert found["/docker-entrypoint.sh"] is None
    unowned = [path for path, owner in found.items() if owner is None]
    assert all(path.startswith("/docker-entrypoint") or "policy-rc.d" in path for path in unowned)


def test_a_program_that_was_copied_in_belongs_to_no_package(real_image):
    report = auditor.scan(f"oci-dir:{real_image('report')}")
    assert owners(report)["/usr/bin/report"] is None
    assert owners(report)["/usr/bin/bash"] == "bash"


def test_evidence_names_the_package(real_image):
    report = auditor.scan(f"oci-dir:{real_image('redis')}")
    packages = {
        evidence.package
        for finding in report.findings
        if finding.component == "executable:/usr/bin/redis-check-rdb"
        for evidence in finding.evidence
    }
    assert packages == {"redis-tools"}


def jar(entries):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


INNER = jar(
    {
        "META-INF/MANIFEST.MF": "Manifest-Version: 1.0\nImplementation-Version: 2.5\n",
        "META-INF/maven/org.acme/inner/pom.properties": (
            "groupId=org.acme\nartifactId=inner\nversion=2.5\n"
        ),
    }
)
MAIN = "Manifest-Version: 1.0\nImplementation-Title: shop\nImplementation-Version: 1.0\n"
COMPOSER = {"packages": [{"name": "monolog/monolog", "version": "3.1.0", "license": ["MIT"]}]}
DPKG = "Package: {}\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n"
SITE = "/usr/lib/python3.11/site-packages"
TREE = {
    "/usr/lib/os-release": "ID=debian\nVERSION_ID=12\nNAME=Debian\n",
    "/etc/os-release": "-> ../usr/lib/os-release",
    "/lib": "-> usr/lib",
    "/usr/bin/X11": "-> .",
    "/var/lib/dpkg/status.d/base": DPKG.format("base"),
    "/var/lib/dpkg/status.d/base.md5sums": "d41d8cd98f00b204e9800998ecf8427e  usr/bin/base\n",
    "/usr/share/doc/base/copyright": "License: MIT\n",
    "/usr/lib/apk/db/installed": (
        "C:Q1x\nP:musl\nV:1.2.4-r2\nA:x86_64\nT:libc\nL:MIT\no:musl\nF:lib\nR:libmusl.so\n\n"
    ),
    "/usr/lib/libmusl.so": "#!/bin/sh\n",
    "/var/lib/pacman/local/zlib-1.3-1/desc": (
        "%NAME%\nzlib\n\n%VERSION%\n1:1.3-1\n\n%ARCH%\nx86_64\n\n%LICENSE%\nZlib\n\n"
    ),
    "/var/lib/pacman/local/zlib-1.3-1/files": "%FILES%\nusr/\nusr/lib/libz.so\n\n%BACKUP%\n\n",
    "/var/db/pkg/app-misc/tool-1.5.1/CONTENTS": "obj /usr/bin/tool 376c02bd 1649284374\n",
    "/var/db/pkg/app-misc/tool-1.5.1/LICENSE": "Apache-2.0\n",
    "/var/db/pkg/app-misc/tool-1.5.1/SIZE": "100\n",
    f"{SITE}/app-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: app\nVersion: 1.0\n",
    f"{SITE}/app-1.0.dist-info/RECORD": "app/fast.so,,\n../../../bin/app,,\n",
    f"{SITE}/old.egg-info": "Metadata-Version: 1.1\nName: old\nVersion: 0.9\n",
    "/usr/bin/app": "#!/usr/bin/python3\n",
    "/usr/lib/ruby/specifications/rack-2.2.gemspec": (
        'Gem::Specification.new do |s|\n  s.name = "rack".freeze\n'
        '  s.version = "2.2"\n  s.licenses = ["MIT".freeze]\nend\n'
    ),
    "/usr/lib/R/library/cli/DESCRIPTION": "Package: cli\nVersion: 3.6.0\nLicense: MIT\n",
    "/usr/share/lua/rocks/socket-3.0-1.rockspec": (
        'package = "socket"\nversion = "3.0-1"\nsource = { url = "x" }\n'
    ),
    "/srv/vendor/composer/installed.json": json.dumps(COMPOSER),
    "/srv/node_modules/left/package.json": '{"name": "left", "version": "1.3.0"}',
    "/srv/node_modules/left/cli.js": "#!/usr/bin/env node\n",
    "/srv/app.jar": jar({"META-INF/MANIFEST.MF": MAIN, "BOOT-INF/lib/inner-2.5.jar": INNER}),
    "/srv/lib/inner.jar": "-> ../other/inner-2.5.jar",
    "/srv/other/inner-2.5.jar": INNER,
    "/srv/bundle.zip": jar({"lib/inner-2.5.jar": INNER}),
    "/var/www/wp-content/plugins/akismet/akismet.php": (
        "<?php\n/**\n * Plugin Name: Akismet\n * Version: 5.0\n */\n"
    ),
    "/nix/store/h0cnbmfcn93xm5dg2x27ixhag1cwndga-glibc-2.34-bin/bin/iconv": "x",
    "/opt/java/release": (
        'IMPLEMENTOR="Eclipse Adoptium"\nJAVA_VERSION="17.0.1"\nIMAGE_TYPE="JDK"\n'
        'FULL_VERSION="17.0.1+12"\n'
    ),
    "/opt/java/bin/javac": b"\x7fELF no program",
    "/usr/local/go/VERSION": "go1.22.1\n",
    "/usr/bin/nodejs": b"\x7fELF node.js/v18.19.0",
    "/usr/bin/node": "-> nodejs",
    "/usr/local/bin/out.jar": "-> ../../../../../../srv/app.jar",
    "/etc/shadow": "root:*:1::::::\n",
}


def image_of(tree, root, layout):
    """Write an image of one layer."""
    for name, content in tree.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str) and content.startswith("-> "):
            path.symlink_to(content.removeprefix("-> "))
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            path.chmod(0o755)
    paths = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    layer = write_layer(layout, root, paths, made_at=0)
    platform = {"os": "linux", "architecture": "amd64"}
    write_image(layout, platform, {"Cmd": ["/usr/bin/app"]}, [Step("COPY", layer)], "latest")
    return layout


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """An image with a little of what each cataloger reads."""
    return image_of(TREE, tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("layout"))


def test_every_ecosystem_is_named_as_on_the_whole_image(mixed):
    report = auditor.scan(f"oci-dir:{mixed}")
    found = told(report)
    assert found == whole(mixed)
    assert {one.type for one in report.packages} >= {
        "deb", "apk", "alpm", "portage", "python", "gem", "R-package", "lua-rocks",
        "php-composer", "npm", "java-archive", "wordpress-plugin", "nix", "binary",
    }  # fmt: skip
    owned = owners(report)
    assert owned["/usr/bin/app"] == "app"
    assert owned["/srv/node_modules/left/cli.js"] == "left"
    assert owned["/usr/bin/nodejs"] == "node"
    assert owned["/usr/lib/libmusl.so"] == "musl"  # by its database /lib/libmusl.so


def test_two_scans_give_the_same_bytes(mixed):
    first, second = (render(auditor.scan(f"oci-dir:{mixed}")) for _ in range(2))
    assert first == second
    assert "auditor-syft-" not in first


def test_syft_s_own_answer_as_a_file_names_the_same(mixed, tmp_path):
    file = tmp_path / "bill.json"
    program = find_syft()
    assert program is not None
    with file.open("wb") as output:
        command = [str(program), "scan", f"oci-dir:{mixed}", "--quiet", "--output", "syft-json"]
        environment = {**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false"}
        subprocess.run(command, env=environment, stdout=output, check=True)
    given = auditor.scan(f"oci-dir:{mixed}", Options(packages=str(file)))
    assert told(given) == told(auditor.scan(f"oci-dir:{mixed}"))
    assert owners(given)["/usr/bin/app"] == "app"


def test_a_link_in_a_circle_hides_no_package(tmp_path_factory):
    # on the image as it is, syft 1.18 gives up on all jars at such a link
    tree = {"/srv/inner-2.5.jar": INNER, "/srv/loop.jar": "-> loop.jar"}
    layout = image_of(tree, tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("layout"))
    names = [package.name for package in auditor.scan(f"oci-dir:{layout}").packages]
    assert names == ["inner"]
