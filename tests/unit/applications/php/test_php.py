"""PHP applications in small trees: what is started, where names lead, and what is asked for."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.applications import Certainty, Context
from auditor.applications.follow import follow
from auditor.applications.php import make
from auditor.inventory.sources import is_source
from auditor.model.inventory import Unknown
from auditor.tables.load import load

TABLES = load()
FOLDER = b"\x00Virtual Directory Support\x00/etc/php/8.2/%s\x00Loaded Configuration File"
EXTENSIONS = b"\x00/usr/lib/php/20220829\x00"
CLI = b"\x7fELF\x00cli-server\x00" + FOLDER % b"cli" + EXTENSIONS
FPM = b"\x7fELF\x00fpm-fcgi\x00FPM/FastCGI" + FOLDER % b"fpm" + EXTENSIONS
BASE = {"/usr/bin/php": CLI, "/usr/sbin/php-fpm8.2": FPM}
LOADER = (
    "<?php\nrequire_once __DIR__ . '/composer/autoload_real.php';\n"
    "return ComposerAutoloaderInitab12::getLoader();\n"
)
ROOTS = "$vendorDir = dirname(__DIR__);\n$baseDir = dirname($vendorDir);\n"


@pytest.fixture
def run(root_of):
    """Follow one command line over a tree; gives the start and what was found."""

    def go(tree, *words, working_dir="/app"):
        rootfs = root_of({**BASE, **{name: _php(name, text) for name, text in tree.items()}})
        language = make(Context(rootfs, {"PATH": "/usr/sbin:/usr/bin"}, working_dir, TABLES))
        start = language.start(words)
        return start, follow(language, start, TABLES.apis["php"])

    return go


def _php(name, text):
    plain = isinstance(text, bytes) or not name.endswith(".php") or text.startswith(("<", "#!"))
    return text if plain else f"<?php\n{text}"


def asked(found, *certainties):
    wanted = certainties or tuple(Certainty)
    return {
        (one.api.capability, one.name) for one in found.asked.values() if one.certainty in wanted
    }


def names(found, *certainties):
    return {name for _, name in asked(found, *certainties)}


def test_a_script_is_followed_through_its_includes(run):
    tree = {
        "/app/run.php": "define('LIB', __DIR__ . '/lib');\nrequire LIB . '/job.php';\ngo();\n",
        "/app/lib/job.php": "include_once 'deep.php';\nfunction go() { exec('x'); }\n",
        "/app/lib/deep.php": "fsockopen('h', 1);\n",
    }
    start, found = run(tree, "php", "run.php")
    assert start.modules == ("/app/run.php",)
    assert asked(found, Certainty.SURE) == {
        ("process.spawn", "exec"),
        ("net.tcp.connect", "fsockopen"),
    }


def test_constants_of_other_files_name_paths(run):
    tree = {
        "/app/x.php": "define('ABSPATH', __DIR__ . '/');\nrequire ABSPATH . 'settings.php';\n",
        "/app/settings.php": "define('INC', 'inc');\nrequire ABSPATH . INC . '/load.php';\n",
        "/app/inc/load.php": "exec('x');\n",
    }
    _, found = run(tree, "php", "x.php")
    assert names(found, Certainty.SURE) == {"exec"}
    assert not found.unknowns


def test_composer_finds_classes_and_loads_its_files(run):
    tree = {
        "/app/run.php": "require 'vendor/autoload.php';\nuse Shop\\Cart;\n(new Cart)->pay();\n",
        "/app/src/Cart.php": (
            "namespace Shop;\nuse Acme\\Wire as Line;\n"
            "class Cart { function pay() { (new Line())->send(); help(); \\help(); } }\n"
        ),
        "/app/vendor/autoload.php": LOADER,
        "/app/vendor/composer/autoload_psr4.php": (
            f"{ROOTS}return array('Shop\\\\' => array($baseDir . '/src'));\n"
        ),
        "/app/vendor/composer/autoload_classmap.php": (
            f"{ROOTS}return array('Acme\\\\Wire' => $vendorDir . '/acme/Wire.php');\n"
        ),
        "/app/vendor/composer/autoload_files.php": (
            f"{ROOTS}return array('ab12' => $vendorDir . '/acme/help.php');\n"
        ),
        "/app/vendor/acme/Wire.php": (
            "namespace Acme;\nclass Wire {\n"
            "  function send() { curl_exec(1); }\n  function unused() { pcntl_fork(); }\n}\n"
        ),
        "/app/vendor/acme/Never.php": "namespace Acme;\nclass Never { }\npcntl_fork();\n",
        "/app/vendor/acme/help.php": "function help() { mail('a', 'b', 'c'); }\n",
    }
    _, found = run(tree, "php", "run.php")
    assert names(found, Certainty.SURE) == {"curl_exec", "mail"}
    assert names(found) == {"curl_exec", "mail"}
    assert not found.unknowns
    assert {path for path, module in found.modules.items() if module.own} == {
        "/app/run.php",
        "/app/src/Cart.php",
    }


def test_php_fpm_runs_the_front_controllers_of_the_document_root(run):
    tree = {
        "/etc/php/8.2/fpm/php-fpm.conf": "include=/etc/php/8.2/fpm/pool.d/*.conf\n",
        "/etc/php/8.2/fpm/pool.d/www.conf": "[www]\n; chdir = /nowhere\nchdir = /srv/site\n",
        "/srv/site/public/index.php": "exec('x');\n",
        "/srv/site/public/status.php": "shell_exec('x');\n",
        "/srv/site/tool.php": "pcntl_fork();\n",
    }
    start, found = run(tree, "php-fpm8.2", "-F")
    assert start.modules == ("/srv/site/public/index.php", "/srv/site/public/status.php")
    assert [(one.launcher, one.capability) for one in start.served] == [
        ("PHP-FPM", "net.http.serve")
    ]
    assert names(found) == {"exec", "shell_exec"}


def test_what_the_web_server_is_configured_with_comes_first(run):
    tree = {
        "/etc/nginx/sites-enabled/site": "server {\n  # root /wrong;\n  root /web/site;\n}\n",
        "/web/site/index.php": "exec('x');\n",
        "/wrong/index.php": "pcntl_fork();\n",
        "/var/www/html/index.php": "pcntl_fork();\n",
    }
    start, _ = run(tree, "php-fpm8.2")
    assert start.modules == ("/web/site/index.php",)


def test_a_renamed_php_fpm_is_still_one_and_a_renamed_php_is_none(run):
    site = {"/var/www/html/index.php": "exec('x');\n", "/app/x.php": "pcntl_fork();\n"}
    start, _ = run({**site, "/usr/bin/server": FPM}, "/usr/bin/server")
    assert start.modules == ("/var/www/html/index.php",)
    start, _ = run({**site, "/usr/bin/php-fpm": CLI}, "/usr/bin/php-fpm", "x.php")
    assert (start.modules, start.served) == (("/app/x.php",), ())


def test_php_fpm_without_anything_to_run_is_a_problem(run):
    start, _ = run({}, "php-fpm8.2")
    assert start.problem == "no document root with PHP files was found for what the web server runs"


def test_the_built_in_server_serves_its_folder(run):
    tree = {"/app/web/index.php": "exec('x');\n", "/app/router.php": "shell_exec('x');\n"}
    start, _ = run(tree, "php", "-S", "0.0.0.0:80", "-t", "web", "router.php")
    assert start.modules == ("/app/router.php", "/app/web/index.php")
    assert [one.launcher for one in start.served] == ["PHP's built-in web server"]


def test_the_module_of_apache_runs_the_document_root(run):
    tree = {
        "/usr/sbin/apache2": b"\x7fELF httpd",
        "/etc/apache2/mods-enabled/php8.2.load": "LoadModule php_module libphp8.2.so\n",
        "/etc/apache2/sites-enabled/000.conf": "DocumentRoot /srv/www\n",
        "/srv/www/index.php": "exec('x');\n",
    }
    start, _ = run(tree, "/usr/sbin/apache2", "-DFOREGROUND")
    assert start.modules == ("/srv/www/index.php",)
    assert [one.launcher for one in start.served] == ["Apache's PHP module"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("php", "-r", "exec(1);"), "the program stands on the command line of php (-r)"),
        (("php",), "php is not told which script to run"),
        (("php", None), "php is not told which script to run"),
        (("php", "away.php"), "php is told to run /app/away.php, which is not in the image"),
    ],
)
def test_what_cannot_be_told_is_said(run, words, problem):
    start, found = run({}, *words)
    assert start.problem == problem
    assert found.modules == {}


def test_options_and_a_script_of_any_name_are_understood(run):
    tree = {"/app/artisan": "#!/usr/bin/env php\n<?php\nexec('x');\n"}
    start, found = run(tree, "php", "-d", "memory_limit=1G", "-n", "artisan", "queue:work")
    assert start.modules == ("/app/artisan",)
    assert names(found) == {"exec"}


def test_names_of_functions_and_classes_do_not_mind_case(run):
    source = (
        "EXEC('x');\nclass Db extends PDO { }\nnew DB('x');\nFoo::Bar();\n"
        "class foo { static function bar() { System('x'); } }\n"
    )
    _, found = run({"/app/x.php": source}, "php", "x.php")
    assert names(found) == {"exec", "PDO.__construct", "system"}


def test_a_function_of_the_namespace_hides_the_global_one(run):
    source = "namespace A;\nfunction exec($x) { return $x; }\nexec('x');\nsystem('x');\n"
    _, found = run({"/app/x.php": source}, "php", "x.php")
    assert names(found) == {"system"}


def test_disabled_functions_ask_for_nothing(run):
    tree = {
        "/etc/php/8.2/cli/php.ini": "disable_functions = exec, System ; of all\n",
        "/app/x.php": "exec('x');\nsystem('x');\nproc_open('x', [], $p);\n",
    }
    _, found = run(tree, "php", "x.php")
    assert names(found) == {"proc_open"}


def test_extensions_of_others_are_native_libraries(run):
    tree = {
        "/etc/php/8.2/cli/conf.d/20-redis.ini": "extension=redis.so\n",
        "/etc/php/8.2/cli/conf.d/20-curl.ini": "extension=curl\n;extension=grpc\n",
        "/usr/lib/php/20220829/redis.so": b"\x7fELF",
        "/usr/lib/php/20220829/curl.so": b"\x7fELF",
        "/usr/lib/php/20220829/grpc.so": b"\x7fELF",
        "/app/x.php": "echo 1;\n",
    }
    _, found = run(tree, "php", "x.php")
    natives = [item.target for item in found.imports if item.native]
    assert natives == ["/usr/lib/php/20220829/redis.so"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("opcache.jit_buffer_size=64M\n", {"opcache.jit"}),
        ("opcache.jit_buffer_size=64M\nopcache.jit=off\n", set()),
        ("opcache.jit=tracing\n", set()),
    ],
)
def test_the_compiler_of_opcache_is_told_where_it_is_on(run, lines, expected):
    tree = {"/etc/php/8.2/cli/conf.d/10-opcache.ini": lines, "/app/x.php": "echo 1;\n"}
    _, found = run(tree, "php", "x.php")
    assert names(found) == expected


def test_an_autoloader_of_ones_own_finds_classes_by_their_files(run):
    tree = {
        "/app/x.php": (
            'spl_autoload_register(function ($c) { require __DIR__ . "/classes/$c.php"; });\n'
            "(new Mailer())->go();\n"
        ),
        "/app/classes/Mailer.php": "class Mailer { function go() { exec('x'); } }\n",
        "/app/other/Mailer.php": "class Other { function go() { pcntl_fork(); } }\n",
    }
    _, found = run(tree, "php", "x.php")
    assert names(found, Certainty.SURE) == {"exec"}
    (unknown,) = found.unknowns
    assert unknown.reason.startswith("line 2: run time decides what this is: require __DIR__")


def test_the_driver_of_a_database_decides(run):
    source = "new PDO('sqlite:/tmp/x');\nfunction f() { new PDO('mysql:host=db'); }\n"
    _, found = run({"/app/x.php": source}, "php", "x.php")
    assert asked(found) == {
        ("fs.locks", "PDO.__construct(sqlite)"),
        ("net.tcp.connect", "PDO.__construct(mysql)"),
    }


def test_a_server_in_php_is_taken_over_by_the_host(run):
    source = "$s = new Swoole\\Http\\Server('0.0.0.0', 80);\n$s->start();\n"
    _, found = run({"/app/x.php": source}, "php", "x.php")
    assert asked(found) == {("net.http.serve", "Swoole\\Http\\Server.start")}


def test_what_is_not_there_is_unknown(run):
    tree = {"/app/x.php": "require 'away.php';\n@include 'gone.php';\n"}
    _, found = run(tree, "php", "x.php")
    assert found.unknowns == {
        Unknown("/app/x.php", "php", "line 2: require away.php is not in the image")
    }


def test_a_file_that_cannot_be_read_is_unknown(run):
    tree = {"/app/x.php": "require 'big.php';\n", "/app/big.php": b" " * ((1 << 20) + 1)}
    _, found = run(tree, "php", "x.php")
    assert found.unknowns == {
        Unknown("/app/big.php", "php", "PHP source of more than 1 MiB is not read")
    }


def test_circles_end(run):
    tree = {
        "/app/x.php": (
            "require 'x.php';\nconst A = B . '/';\nconst B = A . '/';\nrequire A . 'y.php';\n"
            "class C extends D {}\nclass D extends C {}\n(new C)->go();\nC::go();\n"
        )
    }
    _, found = run(tree, "php", "x.php")
    assert set(found.modules) == {"/app/x.php"}


@pytest.mark.parametrize(
    "path",
    [
        "/etc/php/8.2/fpm/pool.d/www.conf",
        "/etc/php/8.2/mods-available/redis.ini",
        "/usr/local/etc/php/conf.d/docker-php-ext-redis.ini",
        "/usr/local/etc/php-fpm.d/zz-docker.conf",
        "/etc/nginx/sites-enabled/default",
        "/etc/apache2/mods-enabled/php8.2.load",
    ],
)
def test_the_configuration_that_is_read_is_kept(path):
    assert is_source(path)


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(words=st.lists(st.none() | st.text(max_size=8) | st.sampled_from(["-c", "-S", "-y", "-d"])))
def test_any_command_line_gives_a_start(root_of, words):
    context = Context(root_of({}), {}, "/", TABLES)
    assert make(context).start(("php", *words)).modules == ()
