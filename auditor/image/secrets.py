"""Secrets in an image's configuration: taken out where it is read, so that no report has them.

Images should hold no secrets, and many do: in ENV, in ARG, in the history of what built them. A
report is passed on further than an image is. Whatever looks like a secret, by the name of its
variable or by its own shape, is replaced by ``REDACTED`` before anything else sees it.

Names: BuildKit's check SecretsUsedInArgOrEnv
(https://docs.docker.com/reference/build-checks/secrets-used-in-arg-or-env/) and CIS-DI-0010 of
Dockle (https://github.com/goodwithtech/dockle/blob/master/CHECKPOINT.md), with the names that
databases and clouds use. Shapes: the formats that their issuers document, as gitleaks
(https://github.com/gitleaks/gitleaks) lists them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["REDACTED", "Pairs", "Secrets", "is_secret_name", "redact_environment"]

REDACTED = "[redacted]"

Pairs = tuple[tuple[str, str], ...]
"""Names and values."""

_SECRET = re.compile(
    r"""_(?:
      \w*PASS(?:WORD|WD|PHRASE|CODE) | PASSWORDS | PASS | PWD | PWORD | SSHPASS
    | \w*SECRET | SECRETS
    | \w*TOKEN | PAT | BEARER | JWT
    | CREDENTIALS? | CREDS? | CRED
    | AUTH | AUTHORIZATION | DOCKERCONFIGJSON
    | DSN | CONNECTION_?STRINGS? | CONN_?STR(?:ING)? | CONNSTR
    | ERLANG_COOKIE | WEBHOOK_?URL
    )_""",
    re.VERBOSE | re.ASCII,
)
_KEY = re.compile(
    r"""_(?:
      API | ACCESS | PRIVATE | PRIV | SECRET | ENCRYPTION | ENCRYPT | DECRYPTION | CRYPTO? | CIPHER
    | SIGNING | SIGNATURE | SIGN | MASTER | ACCOUNT | STORAGE | SHARED | SHARED_ACCESS | SESSION
    | SERVICE | SERVICE_ACCOUNT | CLIENT | APP | APPLICATION | AUTH | SSH | SSL | TLS | RSA | DEPLOY
    | LICENSE | HMAC | JWT | AES | ADMIN | ROOT | USER | WEBHOOK | SUBSCRIPTION | INGEST | WRITE
    )_?KEY(?:S|_ID|_BASE)?_""",
    re.VERBOSE | re.ASCII,
)
_HARMLESS = re.compile(
    r"_(?:FILES?|PATH|DIR|DIRECTORY|SOCK|HOST|PORT|METHOD|MODE|TYPE|ENABLED?|DISABLED?)_$"
)
"""Last words of names that say where a secret is, or which kind of it is used."""
_NOT_SECRET = frozenset({"PWD", "OLDPWD"})
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")
_PLAIN = frozenset({"", "true", "false", "yes", "no", "on", "off", "none", "null"})
"""Values that hold no secret whatever their name."""
_REFERENCE = re.compile(r"[\"']?\$(?:\w+|\{\w+\})[\"']?")
_LONGEST_NAME = 256
"""Characters of a name that is looked at; a longer one is no honest one, and taken for secret."""

_SHAPES = re.compile(
    r"""
      \b(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}\b              # AWS
    | \bgh[pousr]_[A-Za-z0-9]{20,255} | \bgithub_pat_\w{20,255}         # GitHub
    | \bgl(?:pat|ptt|dt|rt|cbt|soat|ft|imt|agent)-[\w.-]{20,300}        # GitLab
    | \bxox[a-z]-[\w-]{10,255} | \bxapp-[\w-]{10,255}                   # Slack
    | (?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[\w/+-]{10,255}
    | (?<=/api/webhooks/)\d{10,24}/[\w-]{20,128}                        # Discord
    | (?<![\w-])eyJ[\w-]{8,8192}+\.eyJ[\w-]{4,8192}+\.[\w-]{0,8192}     # JWT
    | -----BEGIN[ ](?:[A-Z0-9]{1,20}[ ]){0,3}PRIVATE[ ]KEY(?:[ ]BLOCK)?-----
        (?:(?!-----END).){0,65536}(?:-----END[ ][A-Z0-9 ]{1,64}-----)?
    | \bAIza[\w-]{35} | \bya29\.[\w-]{20,1024} | \bGOCSPX-[\w-]{28}     # Google
    | \b[rs]k_(?:live|test|prod)_[A-Za-z0-9]{10,128} | \bwhsec_[\w+/=]{20,128}  # Stripe
    | \bsk-(?:[\w-]{20,255})                                            # OpenAI, Anthropic
    | \bnpm_[A-Za-z0-9]{36} | \bpypi-AgE[\w-]{50,1024}                  # registries
    | \bdckr_(?:pat|oat)_[\w-]{20,128} | \brubygems_[a-f0-9]{48} | \boy2[a-z0-9]{43}
    | \bhv[sbr]\.[\w-]{20,512} | \bSG\.[\w-]{16,64}\.[\w-]{16,64}       # Vault, SendGrid
    | \bdo[opr]_v1_[a-f0-9]{64} | \bhf_[A-Za-z]{30,64} | \bdapi[a-f0-9]{32}
    | \bglsa_\w{32,64} | \bdp\.(?:pt|st|ct|sa|scim|audit)\.\w{40,64}
    | \bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}
    | \bAGE-SECRET-KEY-1[A-Z0-9]{58} | \bops_eyJ[\w+/=]{40,4096}
    | (?<=AccountKey=)[\w+/=]{40,128} | (?<=[?&]sig=)[\w%+/=-]{20,256}  # Azure
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_USERINFO = re.compile(
    r"(?<=://)(?:[^\s/:@\"'<>?#]{0,256}:(?!\d{1,5}(?:[/?#\s\"']|$))[^\s\"'<>]{0,512}"
    r"|[^\s/:@\"'<>?#]{20,256})(?=@)"
)
"""``user:password`` of a URL, or a token in its place. A user name alone (``git@``) is none."""
_SCHEME = re.compile(r"\b(Bearer|Basic)(\s{1,4})[\w+/=.~-]{16,8192}", re.IGNORECASE)
_NAME = re.compile(
    r"""(?<![\w.-])(?:
          (?P<name>-{0,2}[A-Za-z_][\w.-]{0,127}+)\\?["']?\s{0,4}(?:=|:(?!//))\s?
        | --(?P<option>[A-Za-z][\w-]{0,127}+)\s{1,4}(?!-)
        )""",
    re.VERBOSE,
)
"""``NAME=``, ``"name":``, ``--name=`` and ``--name ``, before a value."""
_VALUE = re.compile(
    r"""(?:(?:Bearer|Basic|Token)\s{1,4})?
        (?:\\?"(?:[^"\\]|\\[^"])*+(?:\\?")? | '[^']*+'? | [^\s;&|"',})]++)""",
    re.VERBOSE | re.IGNORECASE,
)
_INSTRUCTION = re.compile(r"\s*(?:/bin/sh -c #\(nop\)\s+)?(?:ENV|ARG)\s+", re.IGNORECASE)
_NEXT = re.compile(r"\s([A-Za-z_][\w.-]{0,127})=")
_ARGUMENTS = re.compile(r"\s*(?:RUN\s+)?\|\d{1,4}\s")
_SHELL = re.compile(
    r"\s(?:/\S{0,64}/)?(?:sh|bash|ash|dash|zsh|cmd|powershell|pwsh)(?:\.exe)?\s[-/]"
)

_LEAST = 8
"""Characters of a value that is looked for elsewhere: shorter ones stand in ordinary words."""
_MOST = 256
"""Values that are looked for. An image with more is no honest one, and gets no free text."""
_LONGEST = 1 << 17
"""Characters of a text that is searched, since that takes time; of a longer one nothing is shown.

Linux takes no longer variable: ``MAX_ARG_STRLEN`` in ``include/uapi/linux/binfmts.h``.
"""


def is_secret_name(name: str) -> bool:
    """Whether a variable, an option or a key of that name would hold a secret.

    Its words are what counts: ``DB_PASSWORD``, ``dbPassword`` and ``db.password`` are the same;
    ``PUBLIC_KEY``, ``KEYRING`` and ``DB_PASSWORD_FILE`` hold none.
    """
    if name in _NOT_SECRET:
        return False
    if len(name) > _LONGEST_NAME:
        return True
    words = _words(name)
    if _HARMLESS.search(words):
        return False
    return bool(_SECRET.search(words) or ("_PUBLIC_" not in words and _KEY.search(words)))


@dataclass(frozen=True, slots=True)
class Secrets:
    """What was taken out of an environment, to be taken out of other texts too."""

    pairs: Pairs = ()
    """Redacted variables with their values, of any length."""
    values: tuple[str, ...] = ()
    """Values to look for, the longest first."""

    @classmethod
    def of(cls, environment: Pairs, texts: Iterable[str] = ()) -> Secrets:
        """The secrets of an environment, and of the ENV and ARG of history lines."""
        pairs = tuple(pair for pair in environment if _is_secret(*pair))
        found = {value for _, value in pairs}
        for text in (*(value for _, value in environment), *texts):
            if len(text) > _LONGEST:
                continue
            found.update(_passwords(text))
            found.update(text[start:end] for start, end in _instructed(text))
        long = {value for value in found if len(value) >= _LEAST and value not in REDACTED}
        return cls(pairs, tuple(sorted(long, key=lambda value: (-len(value), value))))

    def value(self, name: str, value: str) -> str:
        """A variable's or a label's value, without what is secret of it."""
        if _is_secret(name, value) or len(value) > _LONGEST:
            return REDACTED
        if name.endswith("PATH"):  # a list of directories, which decides what is run
            return _shapeless(value)
        return self.text(value)

    def text(self, text: str) -> str:
        """A line of history, or any other text, without what is secret of it."""
        if len(text) > _LONGEST or max(len(self.values), len(self.pairs)) > _MOST:
            return REDACTED
        for name, value in self.pairs:
            text = text.replace(f"{name}={value}", f"{name}={REDACTED}")
        for value in self.values:
            text = text.replace(value, REDACTED)
        return _shapeless(_cut(text, _named(text)))


def redact_environment(environment: Pairs) -> Pairs:
    """An environment without the secrets in it; names and order stay."""
    secrets = Secrets.of(environment)
    return tuple((name, secrets.value(name, value)) for name, value in environment)


def _is_secret(name: str, value: str) -> bool:
    return is_secret_name(name) and _is_worth_it(value)


def _words(name: str) -> str:
    """A name's words in capitals, with ``_`` before, between and after them."""
    return f"_{_SEPARATORS.sub('_', _CAMEL.sub('_', name)).upper().strip('_')}_"


def _shapeless(text: str) -> str:
    """A text without what has the shape of a secret."""
    text = _SHAPES.sub(REDACTED, text)
    text = _USERINFO.sub(REDACTED, text)
    return _SCHEME.sub(rf"\1\2{REDACTED}", text)


def _passwords(text: str) -> Iterator[str]:
    """Passwords that URLs carry."""
    for match in _USERINFO.finditer(text):
        yield match[0].partition(":")[2] or match[0]


def _cut(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """A text with spans of it replaced; spans may overlap."""
    parts: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if end <= done:
            continue
        if start >= done:
            parts += [text[done:start], REDACTED]
        done = end
    return "".join([*parts, text[done:]])


def _named(text: str) -> Iterator[tuple[int, int]]:
    """Where in a text the values of secret names are."""
    yield from _instructed(text)
    yield from _assigned(text)


def _instructed(text: str) -> Iterator[tuple[int, int]]:
    """Values of secret names in ENV, ARG and the arguments of RUN."""
    for name, start, end in _of_instruction(text):
        if is_secret_name(name) and _is_worth_it(text[start:end]):
            yield start, end


def _assigned(text: str) -> Iterator[tuple[int, int]]:
    """Values of secret names as shells, options, JSON and headers write them."""
    position = 0
    while (match := _NAME.search(text, position)) is not None:
        position = match.end()
        if is_secret_name(match["name"] or match["option"]):
            value = _VALUE.match(text, position)
            if value is not None and _is_worth_it(value[0]):
                yield value.span()
                position = value.end()


def _is_worth_it(value: str) -> bool:
    """Whether a secret may stand here: not where there is nothing, or a mere ``$NAME``."""
    return value.lower() not in _PLAIN and not _REFERENCE.fullmatch(value)


def _of_instruction(text: str) -> Iterator[tuple[str, int, int]]:
    """Names and values of ENV and ARG, and of the arguments that RUN had (``|2 A=x B=y sh -c``).

    Builders write values without quotes, so that a value goes on to the next name.
    """
    begin = _INSTRUCTION.match(text)
    end = len(text)
    if begin is None:
        begin = _ARGUMENTS.match(text)
        if begin is None:
            return
        shell = _SHELL.search(text, begin.end() - 1)
        end = shell.start() if shell is not None else end
    names = list(_NEXT.finditer(text, begin.end() - 1, end))
    if not names or names[0].start() >= begin.end():
        name, _, _ = text[begin.end() : end].partition(" ")
        if "=" not in name:  # ENV NAME value
            yield name, min(begin.end() + len(name) + 1, end), end
            return
    stops = [*(match.start() for match in names[1:]), end] if names else []
    for match, stop in zip(names, stops, strict=True):
        yield match[1], match.end(), stop
