from __future__ import annotations

from auditor.inventory.packages.owners import with_packages
from auditor.inventory.packages.records import Packages
from auditor.model.inventory import Inventory, Package, Unknown


def deb(name, *files, **more):
    return Package(name, "1", "deb", f"pkg:deb/debian/{name}@1?arch=amd64", files=files, **more)


def test_a_file_on_a_list_belongs_to_its_package_and_another_to_none(root_of, owners):
    rootfs = root_of({"/usr/sbin/nginx": "x", "/usr/local/bin/app": "x"})
    found = owners(
        rootfs, (deb("nginx", "/usr/sbin/nginx"),), "/usr/sbin/nginx", "/usr/local/bin/app"
    )
    assert found == {"/usr/sbin/nginx": "nginx", "/usr/local/bin/app": None}


def test_a_list_from_before_the_usr_merge_still_finds_the_file(root_of, owners):
    rootfs = root_of({"/usr/bin/bash": "x", "/bin": "-> usr/bin"})
    assert owners(rootfs, (deb("bash", "/bin/bash"),), "/usr/bin/bash") == {"/usr/bin/bash": "bash"}


def test_dpkg_lists_name_what_checksums_do_not(root_of, owners):
    rootfs = root_of(
        {
            "/var/lib/dpkg/info/libx:amd64.list": "/.\n/usr\n/usr/lib/libx.so\n",
            "/var/lib/dpkg/info/libx:amd64.postinst": "#!/bin/sh\n",
            "/usr/lib/libx.so": "x",
        }
    )
    paths = ("/usr/lib/libx.so", "/var/lib/dpkg/info/libx:amd64.postinst")
    assert owners(rootfs, (deb("libx"),), *paths) == dict.fromkeys(paths, "libx")


def test_a_diverted_file_belongs_to_who_brought_it(root_of, owners):
    rootfs = root_of(
        {
            "/var/lib/dpkg/diversions": "/usr/bin/sh\n/usr/bin/sh.distrib\ndash\n",
            "/usr/bin/sh": "x",
            "/usr/bin/sh.distrib": "x",
        }
    )
    packages = (deb("bash", "/usr/bin/sh"), deb("dash", "/usr/bin/sh"))
    found = owners(rootfs, packages, "/usr/bin/sh", "/usr/bin/sh.distrib")
    assert found == {"/usr/bin/sh": "dash", "/usr/bin/sh.distrib": "bash"}


def test_a_file_that_the_administrator_diverted_keeps_its_package(root_of, owners):
    rootfs = root_of({"/var/lib/dpkg/diversions": "/usr/bin/x\n/usr/bin/x.old\n:\n"})
    found = owners(rootfs, (deb("tool", "/usr/bin/x"),), "/usr/bin/x", "/usr/bin/x.old")
    assert found == {"/usr/bin/x": None, "/usr/bin/x.old": "tool"}


def test_the_system_s_package_comes_before_a_language_s(root_of, owners):
    path = "/usr/lib/python3/dist-packages/yaml/_yaml.so"
    rootfs = root_of({path: "x"})
    language = Package("PyYAML", "6", "python", files=(path,))
    assert owners(rootfs, (language, deb("python3-yaml", path)), path) == {path: "python3-yaml"}
    assert owners(rootfs, (language,), path) == {path: "PyYAML"}


def test_a_program_belongs_to_its_main_module_and_not_to_a_library_in_it(root_of, owners):
    rootfs = root_of({"/usr/bin/gosu": "x"})
    parts = (
        Package("a/lib", "1", "go-module", paths=("/usr/bin/gosu",), main=False),
        Package("z/gosu", "1", "go-module", paths=("/usr/bin/gosu",)),
    )
    assert owners(rootfs, parts, "/usr/bin/gosu") == {"/usr/bin/gosu": "z/gosu"}


def test_npm_packages_own_their_directory_the_nearest_first(root_of, owners):
    top, inner = "/srv/package.json", "/srv/node_modules/bcrypt/package.json"
    addon = "/srv/node_modules/bcrypt/build/bcrypt.node"
    rootfs = root_of({top: "{}", inner: "{}", addon: "x", "/srv/cli.js": "x", "/opt/x": "x"})
    packages = (
        Package("shop", "1", "npm", paths=(top,)),
        Package("bcrypt", "5", "npm", paths=(inner,)),
    )
    found = owners(rootfs, packages, addon, "/srv/cli.js", "/opt/x")
    assert found == {addon: "bcrypt", "/srv/cli.js": "shop", "/opt/x": None}


def test_gems_own_their_code_and_their_extensions(root_of, owners):
    spec = "/usr/lib/ruby/specifications/pg-1.5.gemspec"
    code = "/usr/lib/ruby/gems/pg-1.5/exe/pg"
    extension = "/usr/lib/ruby/extensions/x86_64-linux/3.1.0/pg-1.5/pg_ext.so"
    rootfs = root_of({spec: "x", code: "x", extension: "x"})
    found = owners(rootfs, (Package("pg", "1.5", "gem", paths=(spec,)),), code, extension)
    assert found == {code: "pg", extension: "pg"}


def test_a_jvm_owns_what_stands_beside_its_release_file(root_of, owners):
    rootfs = root_of({"/opt/java/release": "x", "/opt/java/lib/libjvm.so": "x"})
    jvm = Package("openjdk", "17", "binary", paths=("/opt/java/release",))
    path = "/opt/java/lib/libjvm.so"
    assert owners(rootfs, (jvm,), path) == {path: "openjdk"}


def test_what_was_not_known_of_packages_is_in_the_inventory(root_of):
    lost = Unknown("/", "packages", "syft is missing")
    inventory = with_packages(Inventory((), (), 0), Packages(unknowns=(lost,)), root_of({}))
    assert inventory.unknowns == (lost,)
    assert inventory.packages == ()
