"""Real images with a Java virtual machine: what their applications ask for, and what they do not.

Each absence is something that the image holds and that nothing leads to.
"""

from __future__ import annotations

import pytest

import auditor
from auditor.applications.follow import Certainty, follow
from auditor.applications.jvm import make
from auditor.applications.language import Context
from auditor.image import open_image, parse_reference
from auditor.inventory import keep
from auditor.tables import load

COMMANDS = {
    "java-server": ("/usr/bin/java", "-Xmx256m", "-jar", "/app/server.jar"),
    "java-fat-jar": ("/opt/runtime/bin/serve", "-jar", "shop.jar"),
}


@pytest.fixture(scope="module")
def followed(real_image):
    """What following the application of an image came to, and its own start."""
    made = {}

    def of(name):
        if name not in made:
            tables = load()
            with open_image(parse_reference(f"oci-dir:{real_image(name)}"), keep) as opened:
                config = opened.image.config
                context = Context(opened.rootfs, dict(config.env), config.working_dir, tables)
                language = make(context)
                start = language.start(COMMANDS[name])
                made[name] = start, follow(language, start, tables.apis["java"])
        return made[name]

    return of


def calls(found):
    return {
        (one.api.capability, found.modules[one.module].member, one.unit, one.line)
        for one in found.asked.values()
    }


def capabilities(found):
    return {one.api.capability for one in found.asked.values()}


def members(found):
    return {module.member for module in found.modules.values()}


def test_the_archive_that_the_command_names_is_the_application(followed):
    start, found = followed("java-server")
    assert start.modules == ("/app/server.jar!/com/example/server/Main.class",)
    assert {module.member for module in found.modules.values() if module.own} == {
        "com.example.server.Main",
        "com.example.server.Hello",
    }
    assert not found.unknowns


@pytest.mark.parametrize(
    "expected",
    [
        ("net.http.serve", "com.example.server.Main", "Main.main", 19),
        ("thread.create", "com.example.server.Main", "Main.main", 17),
        ("fs.read", "com.example.server.Hello", "Hello.handle", 14),
        ("io.stdio", "com.example.server.Main", "Main.main", 18),
    ],
)
def test_the_server_asks_for(followed, expected):
    _, found = followed("java-server")
    assert expected in calls(found)


@pytest.mark.parametrize(
    ("capability", "why"),
    [
        ("process.spawn", "ProcessBuilder is a word in a string, and Shell is used by nobody"),
        ("fs.write", "Text is used, and its method that writes is not"),
        ("net.udp", "a class of the application itself that nothing leads to"),
        ("net.tcp.listen", "the web server of the JDK is behind an interface"),
    ],
)
def test_the_server_does_not_ask_for(followed, capability, why):
    _, found = followed("java-server")
    assert capability not in capabilities(found), why


def test_a_library_beside_the_archive_is_loaded_and_not_its_own(followed):
    _, found = followed("java-server")
    library = found.modules["/app/lib/tools.jar!/org/tools/Text.class"]
    assert (library.file, library.own) == ("/app/lib/tools.jar", False)
    assert "org.tools.Shell" not in members(found)


def test_the_start_class_is_found_behind_a_renamed_launcher(followed):
    start, found = followed("java-fat-jar")
    assert start.modules == ("/app/shop.jar!/BOOT-INF/classes/com/shop/App.class",)
    assert {module.member for module in found.modules.values() if module.own} == {"com.shop.App"}
    assert not any("loader" in member for member in members(found))


@pytest.mark.parametrize(
    "expected",
    [
        ("net.tcp.listen", "com.shop.App", "App.main", 18),
        ("thread.create", "com.shop.App", "App.main", 21),
        ("process.spawn", "com.acme.store.DiskStore", "DiskStore.save", 7),
        ("memory.map.file", "com.acme.store.Plugin", "Plugin.<init>", 11),
        ("random.bytes", "com.acme.store.RandomCodec", "RandomCodec.<init>", 7),
        ("dynlink.dlopen", "org.fast.Fast", "", 13),
        ("fs.temp", "org.fast.Fast", "Fast.unpacked", 22),
        ("dynlink.dlopen", "org.fast.Fast", "Fast.sum", 0),
    ],
)
def test_the_shop_asks_for(followed, expected):
    _, found = followed("java-fat-jar")
    assert expected in calls(found)


@pytest.mark.parametrize(
    ("capability", "why"),
    [
        ("net.tcp.connect", "RemoteStore extends Store too, and nobody makes one"),
        ("net.udp", "Backup is used by nobody"),
    ],
)
def test_the_shop_does_not_ask_for(followed, capability, why):
    _, found = followed("java-fat-jar")
    assert capability not in capabilities(found), why


def test_what_a_virtual_call_comes_to_is_likely_only(followed):
    _, found = followed("java-fat-jar")
    (spawn,) = [one for one in found.asked.values() if one.api.capability == "process.spawn"]
    assert spawn.certainty is Certainty.LIKELY
    assert (
        spawn.module == "/app/shop.jar!/BOOT-INF/lib/store-1.0.jar!/com/acme/store/DiskStore.class"
    )


def test_native_code_in_a_nested_archive_is_unknown_by_name(followed):
    _, found = followed("java-fat-jar")
    (unknown,) = found.unknowns
    assert unknown.path == "/app/shop.jar"
    assert "linux/libfast.so" in unknown.reason
    assert unknown.weight > 0


def test_a_computed_name_in_a_class_that_nothing_leads_to_is_no_unknown(followed):
    _, found = followed("java-fat-jar")
    assert "com.shop.Extension" not in members(found)


def test_a_report_names_class_and_line(real_image):
    report = auditor.scan(f"oci-dir:{real_image('java-server')}")
    (serve,) = [
        one
        for one in report.findings
        if (one.capability, one.target) == ("net.http.serve", "wasip1")
    ]
    assert serve.component == "source:/app/server.jar"
    (evidence,) = serve.evidence
    assert evidence.detail == "com.sun.net.httpserver.HttpServer.start"
    assert evidence.line == 19
    assert (evidence.member or "").startswith("com.example.server.Main")


def test_tomcat_s_own_script_leads_to_the_servlet(real_image):
    """Only run time knows the program and the class path that catalina.sh puts together."""
    options = auditor.Options(packages="none")
    report = auditor.scan(f"oci-dir:{real_image('tomcat-app')}", options)
    notes = "/srv/notes/webapps/ROOT/WEB-INF/classes/com/notes/Notes.class"
    assert report.split is not None
    assert [part.start for part in report.split.parts] == [f"source:{notes}"]
    asked = {
        (finding.capability, evidence.detail, evidence.member, evidence.line)
        for finding in report.findings
        if finding.target == "wasip1" and finding.component.endswith(notes)
        for evidence in finding.evidence
    }
    assert ("process.spawn", "java.lang.ProcessBuilder.start", "com.notes.Notes.doGet", 21) in asked
    assert ("net.http.serve", "Tomcat", None, None) in asked
    verdicts = {row.id: row.verdict for row in report.targets}
    assert verdicts["wasip1"] == "keep-in-container"
    assert verdicts["wasip2"] == "rearchitect"
