"""Which application a command line of java starts, and which of its classes are its own."""

from __future__ import annotations

import pytest

CP = ("-cp", "/app/classes", "sample.Starter")
MAIN = "/app/classes/sample/Starter.class"


def loose(sample):
    return sample("sample/Starter", below="/app/classes/")


@pytest.mark.parametrize(
    ("words", "env", "workdir"),
    [
        (("-cp", "/app/classes", "sample.Starter", "--port", "1"), {}, "/"),
        (("-classpath", "classes", "sample.Starter"), {}, "/app"),
        (("--class-path=classes", "sample/Starter"), {}, "/app"),
        (("-Xmx1g", "-server", "--add-opens", "a/b=ALL", "sample.Starter"), {}, "/app/classes"),
        (("sample.Starter",), {"CLASSPATH": "/none:/app/classes"}, "/"),
        ((None, "-cp", "/app/classes", "sample.Starter", None), {}, "/"),
        (("@/app/options", "sample.Starter"), {}, "/"),
        (("sample.Starter",), {"JDK_JAVA_OPTIONS": "-cp '/app/classes'"}, "/"),
    ],
    ids=["cp", "classpath", "equals", "here", "variable", "unknown", "file", "jdk-options"],
)
def test_the_main_class_is_found(run, sample, words, env, workdir) -> None:
    options = '# options\n-Dname="a b"\n-cp "/app/classes"\n'
    found = run({**loose(sample), "/app/options": options}, *words, env=env, workdir=workdir)
    assert found.start.problem is None
    assert found.start.modules == (MAIN,)
    assert found.own == {"sample.Starter"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-version",), "starts no application"),
        ((), "names no application"),
        (("Main.java",), "compiles Main.java from source"),
        (("--source", "21", "Main"), "from source"),
        (("-jar", None), "only run time knows"),
        (("-jar", "/none.jar"), "/none.jar is not in the image"),
        (("-jar", "/bad.jar"), "no Java archive"),
        (("-jar", "/plain.jar"), "does not say which class"),
        (("-cp", "/plain.jar", "com.None"), "com.None is not on the class path"),
        (("-m", "none/com.Main"), "the module none is in no archive"),
    ],
)
def test_what_cannot_be_told_is_said(run, jar, words, told) -> None:
    found = run({"/bad.jar": b"PK\3\4 no archive", "/plain.jar": jar({"x": b""})}, *words)
    assert told in (found.start.problem or "")
    assert not found.start.modules


def test_a_class_path_of_run_time_is_where_the_main_class_lies(run, jar, sample) -> None:
    """As in ``catalina.sh``. Of several archives it is the one that says it starts there."""
    content = sample("sample/Starter")
    words = ("-classpath", None, "sample.Starter")
    found = run({"/opt/app.jar": jar(content), "/opt/lib.jar": jar({"x": b""})}, *words)
    assert found.start.modules == ("/opt/app.jar!/sample/Starter.class",)
    both = {"/opt/a.jar": jar(content), "/opt/b.jar": jar(content, Main_Class="sample.Starter")}
    assert run(both, *words).start.modules == ("/opt/b.jar!/sample/Starter.class",)
    either = {"/opt/a.jar": jar(content), "/opt/b.jar": jar(content)}
    assert "not on the class path" in (run(either, *words).start.problem or "")


def test_a_damaged_library_is_unknown(run, sample) -> None:
    found = run({**loose(sample), "/l.jar": b"PK"}, "-cp", "/app/classes:/l.jar", "sample.Starter")
    assert found.start.modules[0] == MAIN
    assert "/l.jar: The file is no Java archive" in found.reasons


def test_a_folder_of_archives_is_expanded(run, sample, jar) -> None:
    found = run(
        {**loose(sample), "/lib/b.jar": jar(sample("lib/"))},
        "-cp",
        "/app/classes:/lib/*",
        "sample.Starter",
    )
    assert "/lib/b.jar!/lib/Base.class" in found.found.modules


def test_a_manifest_names_libraries_beside_the_archive(run, sample, jar) -> None:
    app = jar(sample("sample/Starter"), Main_Class="sample.Starter", Class_Path="lib/l.jar")
    found = run({"/app/a.jar": app, "/app/lib/l.jar": jar(sample("lib/"))}, "-jar", "/app/a.jar")
    assert "/app/lib/l.jar!/lib/Made.class" in found.found.modules
    assert found.own == {"sample.Starter"}


def test_the_libraries_of_a_shaded_archive_are_not_its_own(run, sample, jar) -> None:
    app = jar({**sample("sample/Starter"), **sample("lib/")}, Main_Class="sample.Starter")
    found = run({"/a.jar": app}, "-jar", "/a.jar")
    assert "lib.Made" in found.members
    assert found.own == {"sample.Starter"}


def test_a_module_names_its_main_class(run, sample, jar) -> None:
    app = jar({**sample("sample/Uses"), **sample("module-info")})
    found = run({"/mods/app.jar": app}, "-p", "/mods", "-m", "sample.module")
    assert found.start.names == ("sample.Uses.main",)
    found = run({"/mods/app.jar": app}, "-p", "/mods", "--module=sample.module/sample.Uses$Inner")
    assert found.start.modules == ("/mods/app.jar!/sample/Uses$Inner.class",)


def boot(sample, jar, folder="BOOT-INF"):
    return {
        "boot/Launcher.class": sample("sample/Uses.class")["sample/Uses.class"],
        **sample("sample/Starter", below=f"{folder}/classes/"),
        f"{folder}/lib/store.jar": jar(sample("lib/")),
    }


BOOT = {"Main_Class": "boot.Launcher", "Start_Class": "sample.Starter"}


@pytest.mark.parametrize("folder", ["BOOT-INF", "WEB-INF"])
def test_a_boot_archive_starts_with_its_start_class(run, sample, jar, folder) -> None:
    found = run({"/app.jar": jar(boot(sample, jar, folder), **BOOT)}, "-jar", "/app.jar")
    assert found.start.modules == (f"/app.jar!/{folder}/classes/sample/Starter.class",)
    assert found.start.names == ("sample.Starter.main",)
    assert found.own == {"sample.Starter"}
    inner = found.found.modules[f"/app.jar!/{folder}/lib/store.jar!/lib/Made.class"]
    assert (inner.file, inner.own) == ("/app.jar", False)


def test_an_exploded_boot_archive_is_the_same(run, sample, jar) -> None:
    files = {f"/srv/{name}": data for name, data in boot(sample, jar).items()}
    files["/srv/boot/Launcher.class"] = sample("sample/Uses.class")["sample/Uses.class"]
    manifest = "Main-Class: boot.Launcher\nStart-Class: sample.Starter\n"
    tree = {**files, "/srv/META-INF/MANIFEST.MF": manifest}
    found = run(tree, "boot.Launcher", workdir="/srv")
    assert found.start.modules == ("/srv/BOOT-INF/classes/sample/Starter.class",)
    assert "lib.Made" in found.members - found.own


def test_a_damaged_nested_archive_is_unknown(run, sample, jar) -> None:
    content = {**boot(sample, jar), "BOOT-INF/lib/bad.jar": b"PK"}
    found = run({"/app.jar": jar(content, **BOOT)}, "-jar", "/app.jar")
    assert "/app.jar: BOOT-INF/lib/bad.jar: The file is no Java archive" in found.reasons


def test_archives_are_opened_to_a_certain_depth_only(run, sample, jar) -> None:
    inner = jar(sample("lib/"))
    for _ in range(8):
        inner = jar({"BOOT-INF/lib/inner.jar": inner})
    content = {**boot(sample, jar), "BOOT-INF/lib/deep.jar": inner}
    found = run({"/app.jar": jar(content, **BOOT)}, "-jar", "/app.jar")
    assert found.start.problem is None


WEB = """<web-app><servlet><servlet-class>sample.Uses</servlet-class></servlet></web-app>"""


def tomcat(sample, jar):
    bootstrap = "org/apache/catalina/startup/Bootstrap.class"
    war = {
        **sample("sample/Uses", below="WEB-INF/classes/"),
        "WEB-INF/lib/l.jar": jar(sample("lib/")),
        "WEB-INF/web.xml": WEB.encode(),
    }
    return {
        "/opt/tomcat/bin/bootstrap.jar": jar({bootstrap: b""}),
        "/opt/tomcat/webapps/shop.war": jar(war),
        "/opt/tomcat/webapps/notes.txt": "",
    }


CATALINA = ("-cp", "/opt/tomcat/bin/bootstrap.jar", "org.apache.catalina.startup.Bootstrap")


@pytest.mark.parametrize(
    ("options", "env"),
    [
        ((), {}),
        (("-Dcatalina.home=/opt/tomcat",), {}),
        ((), {"CATALINA_BASE": "/opt/tomcat"}),
        (("-Dcatalina.base=/opt/tomcat", "-Dcatalina.home=/none"), {"CATALINA_HOME": "/no"}),
    ],
)
def test_tomcat_starts_its_web_applications(run, sample, jar, options, env) -> None:
    found = run(tomcat(sample, jar), *options, *CATALINA, "start", env=env)
    key = "/opt/tomcat/webapps/shop.war!/WEB-INF/classes/sample/Uses.class"
    assert found.start.modules == (key,)
    assert [(one.launcher, one.capability) for one in found.start.served] == [
        ("Tomcat", "net.http.serve")
    ]
    assert found.own == {"sample.Uses", "sample.Uses$Inner"}
    assert "process.spawn" in found.capabilities


def test_tomcat_without_an_application_says_so(run, sample, jar) -> None:
    tree = tomcat(sample, jar)
    del tree["/opt/tomcat/webapps/shop.war"]
    found = run(tree, *CATALINA, "start")
    assert "/opt/tomcat/webapps holds no application" in (found.start.problem or "")


def test_annotated_classes_are_found_by_a_framework_that_looks_for_them(run, sample, jar) -> None:
    content = {**boot(sample, jar), **sample("sample/Uses$Inner", below="BOOT-INF/classes/")}
    without = run({"/app.jar": jar(content, **BOOT)}, "-jar", "/app.jar")
    assert "sample.Uses$Inner" not in without.members
    spring = {"org/springframework/context/annotation/ComponentScan.class": b""}
    content["BOOT-INF/lib/spring.jar"] = jar(spring)
    found = run({"/app2.jar": jar(content, **BOOT)}, "-jar", "/app2.jar")
    assert "sample.Uses$Inner" in found.own


def test_the_variables_of_tools_bring_agents(run, sample, jar) -> None:
    agent = jar(sample("lib/Tool"), Premain_Class="lib.Tool")
    found = run(
        {**loose(sample), "/agent.jar": agent},
        *CP,
        env={"JAVA_TOOL_OPTIONS": "-javaagent:/agent.jar=on"},
    )
    assert "lib.Tool.premain" in found.start.names
    assert "/agent.jar!/lib/Tool.class" in found.found.modules


def test_an_archive_is_known_by_its_bytes(run, sample, jar) -> None:
    app = jar(sample("sample/Starter"), Main_Class="sample.Starter")
    found = run({"/app/program.bin": app}, "-jar", "/app/program.bin")
    assert found.start.modules == ("/app/program.bin!/sample/Starter.class",)


@pytest.mark.parametrize(
    ("version", "newer"), [("17.0.1", False), ("1.8.0_402", False), ("21.0.2", True), ("", True)]
)
def test_versions_of_a_class_go_by_the_runtime(run, sample, jar, version, newer) -> None:
    uses = sample("sample/Uses.class")["sample/Uses.class"]
    content = {**sample("sample/Starter"), "META-INF/versions/21/sample/Starter.class": uses}
    app = jar(content, Main_Class="sample.Starter", Multi_Release="true")
    release = {"/jdk/release": f'JAVA_VERSION="{version}"\n'} if version else {}
    tree = {"/app.jar": app, "/jdk/bin/java": b"\x7fELF", **release}
    found = run(tree, "-jar", "/app.jar", program="/jdk/bin/java")
    assert ("holds the class sample.Uses" in found.reasons) is newer
