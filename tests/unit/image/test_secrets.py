"""What looks like a secret is taken out of configurations, and the rest is left as it is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.image.secrets import REDACTED, Secrets, is_secret_name, redact_environment


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASSWORD",
        "MYSQL_ROOT_PASSWORD",
        "PGPASSWORD",
        "MYSQL_PWD",
        "SMTP_PASS",
        "dbPassword",
        "spring.datasource.password",
        "API_KEY",
        "APIKEY",
        "x-api-key",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AZURE_STORAGE_KEY",
        "SECRET_KEY_BASE",
        "SSH_PRIVATE_KEY",
        "GITHUB_TOKEN",
        "NPM_AUTH",
        "DATABASE_DSN",
        "CONNECTION_STRING",
        "GOOGLE_CREDENTIALS",
        "A" * 300,
    ],
)
def test_a_name_that_says_secret_is_one(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "PWD",
        "GPG_KEY",
        "APT_KEYRING",
        "PUBLIC_KEY",
        "NEXT_PUBLIC_API_KEY",
        "MONKEY",
        "AUTHORS",
        "COMPASS",
        "BYPASS_CACHE",
        "TOKENIZERS_PARALLELISM",
        "PYTHON_GET_PIP_SHA256",
        "DB_PASSWORD_FILE",
        "SECRETS_DIR",
        "SSH_AUTH_SOCK",
        "POSTGRES_HOST_AUTH_METHOD",
    ],
)
def test_a_name_that_only_sounds_like_one_is_none(name: str) -> None:
    assert not is_secret_name(name)


# Put together from two parts, so that no scanner takes this file for a leak.
@pytest.mark.parametrize(
    "value",
    [
        "AKIA" + "IOSFODNN7EXAMPLE",
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "11AAAAAAA0" * 5,
        "glpat-" + "x1Y2" * 5,
        "xoxb-" + "123456789012-abcdefgh",
        "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIB\n-----END RSA PRIVATE KEY-----",
        "AIza" + "B" * 35,
        "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
        "npm_" + "a" * 36,
    ],
)
def test_a_value_with_the_shape_of_a_secret_is_one_whatever_its_name(value: str) -> None:
    assert redact_environment((("SETTING", value),)) == (("SETTING", REDACTED),)
    assert Secrets().text(f"RUN use {value} now") == f"RUN use {REDACTED} now"


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("postgres://app:pa@ss@db:5432/x?y=1", f"postgres://{REDACTED}@db:5432/x?y=1"),
        ("redis://:swordfish@cache/0", f"redis://{REDACTED}@cache/0"),
        (f"https://{'0a' * 16}@sentry.example/1", f"https://{REDACTED}@sentry.example/1"),
        ("-Xmx1g -Ddb.password=xyzzy", f"-Xmx1g -Ddb.password={REDACTED}"),
        ("Server=a;Password=xyzzy;Port=1", f"Server=a;Password={REDACTED};Port=1"),
        ("https://git@example.org/a", "https://git@example.org/a"),
        ("http://example.org:80/a@2x.png", "http://example.org:80/a@2x.png"),
        ("/usr/bin:/bin", "/usr/bin:/bin"),
    ],
)
def test_of_a_value_only_the_secret_part_goes(value: str, left: str) -> None:
    assert redact_environment((("SETTING", value),)) == (("SETTING", left),)


def test_values_that_hold_nothing_stay_for_scripts_to_test() -> None:
    environment = (("DB_PASSWORD", ""), ("ALLOW_EMPTY_PASSWORD", "yes"), ("PATH", "/bin"))
    assert redact_environment(environment) == environment


def test_a_secret_that_stands_in_another_variable_goes_there_too() -> None:
    environment = (("DB_PASSWORD", "swordfish-7"), ("ARGS", "-u app -pswordfish-7"))
    assert redact_environment(environment)[1] == ("ARGS", f"-u app -p{REDACTED}")


def test_the_search_path_is_left_whole_so_that_commands_are_found() -> None:
    environment = (("AUTH", "/opt/auth"), ("PATH", "/opt/auth/bin:/bin"))
    assert redact_environment(environment)[1] == ("PATH", "/opt/auth/bin:/bin")


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("ENV DB_PASSWORD=a b A=c", f"ENV DB_PASSWORD={REDACTED} A=c"),
        ("ENV DB_PASSWORD two words", f"ENV DB_PASSWORD {REDACTED}"),
        ("/bin/sh -c #(nop)  ENV API_KEY=x", f"/bin/sh -c #(nop)  ENV API_KEY={REDACTED}"),
        ("ARG NPM_TOKEN=x", f"ARG NPM_TOKEN={REDACTED}"),
        ("ARG NPM_TOKEN", "ARG NPM_TOKEN"),
        (
            "RUN |2 TOKEN=a b V=1 /bin/sh -c make # buildkit",
            f"RUN |2 TOKEN={REDACTED} V=1 /bin/sh -c make # buildkit",
        ),
        ("|1 TOKEN=a /bin/bash -c make", f"|1 TOKEN={REDACTED} /bin/bash -c make"),
        ("RUN |1 TOKEN=a b strange", f"RUN |1 TOKEN={REDACTED}"),
        ("RUN export PASSWORD='a b'; go", f"RUN export PASSWORD={REDACTED}; go"),
        ("RUN login --password xyzzy -u me", f"RUN login --password {REDACTED} -u me"),
        ("RUN login --token=xyzzy", f"RUN login --token={REDACTED}"),
        ('RUN curl -H "Authorization: Bearer x y"', f'RUN curl -H "Authorization: {REDACTED} y"'),
        ("RUN git clone https://me:pw@h/r", f"RUN git clone https://{REDACTED}@h/r"),
        ('RUN PASSWORD="$OTHER" go', 'RUN PASSWORD="$OTHER" go'),
        ("RUN gpg --recv-keys ABCDEF", "RUN gpg --recv-keys ABCDEF"),
        ("COPY . /app # buildkit", "COPY . /app # buildkit"),
    ],
)
def test_a_history_line_keeps_all_but_the_secret(line: str, left: str) -> None:
    assert Secrets().text(line) == left


def test_a_build_argument_is_found_again_in_other_lines() -> None:
    lines = ["ARG NPM_TOKEN=swordfish-7", "RUN /bin/sh -c echo swordfish-7 > .npmrc"]
    assert Secrets.of((), lines).text(lines[1]) == f"RUN /bin/sh -c echo {REDACTED} > .npmrc"


def test_a_short_value_is_not_looked_for_in_ordinary_words() -> None:
    secrets = Secrets.of((("DB_PASSWORD", "make"),))
    assert secrets.text("RUN make install") == "RUN make install"
    assert secrets.text("ENV DB_PASSWORD=make") == f"ENV DB_PASSWORD={REDACTED}"


def test_an_image_with_hundreds_of_secrets_gets_no_free_text() -> None:
    secrets = Secrets.of(tuple((f"N{n}_TOKEN", f"value-{n:06}") for n in range(300)))
    assert secrets.text("RUN make") == REDACTED


@given(st.text(alphabet="aZ_=:/@ '\"\\-.;$1TOKEN", max_size=60))
def test_a_text_without_secrets_is_not_changed_again(text: str) -> None:
    once = Secrets().text(text)
    assert Secrets().text(once) == once


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=8, max_size=40))
def test_no_value_of_a_secret_name_is_left_anywhere(value: str) -> None:
    if value.strip() and value not in REDACTED:
        environment = (("DB_PASSWORD", value), ("OTHER", f"<{value}>"))
        secrets = Secrets.of(environment)
        for text in (f"ENV DB_PASSWORD={value} A=1", f"RUN x {value}"):
            assert value not in secrets.text(text).replace(REDACTED, "")
        assert all(
            value not in item.replace(REDACTED, "") for _, item in redact_environment(environment)
        )


@pytest.mark.parametrize(
    "piece", ["://a:b", "eyJ-", "token=", "'", "x:", " A=", "-----BEGIN PRIVATE KEY-----", "A_"]
)
def test_a_hostile_line_takes_no_more_than_its_length(piece: str) -> None:
    def seconds(size: int) -> float:
        text = "ENV " + piece * (size // len(piece))
        begin = time.process_time()
        Secrets.of((("A", text),), [text]).text(text)
        return time.process_time() - begin

    assert seconds(80_000) < 12 * seconds(20_000) + 0.5
