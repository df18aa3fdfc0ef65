"""What is never written, in whatever form it comes along."""

import base64
import io
import json
import logging
import time
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from exporter.log import Format, configure
from exporter.log.secrets import LENT_AT_ONCE, MASK, SECRETS, Secrets

PASSWORD = 'p"ss\\wörd %&/ +x'


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """Leave the process' loggers as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def secrets() -> Secrets:
    """Know one password."""
    known = Secrets()
    known.learn(PASSWORD)
    return known


def basic(user: str, password: str) -> str:
    """Return what Basic authentication sends."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    "form",
    [
        PASSWORD,
        repr(PASSWORD)[1:-1],
        json.dumps(PASSWORD)[1:-1],
        json.dumps(PASSWORD, ensure_ascii=False)[1:-1],
        quote(PASSWORD),
        quote(PASSWORD, safe=""),
        quote(PASSWORD, safe="").lower(),
        quote_plus(PASSWORD),
        repr(repr(repr(PASSWORD)[1:-1])[1:-1])[1:-1],
        json.dumps(json.dumps(PASSWORD)[1:-1])[1:-1],
        quote(json.dumps(PASSWORD)[1:-1]),
    ],
)
def test_forms(secrets: Secrets, form: str) -> None:
    """A secret is found in the forms in which JSON, Python and URLs write it, and what stands around it stays."""
    assert secrets.conceal(f"before {form} after") == f"before {MASK} after"


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "svc-backup@contoso.example.com"])
def test_basic_authentication(secrets: Secrets, user: str) -> None:
    """A password is found in base64 whatever the length of the name before it."""
    concealed = secrets.conceal(f"refused: {basic(user, PASSWORD)}!")

    assert MASK in concealed
    assert base64.b64encode(PASSWORD.encode()).decode()[4:-4] not in concealed
    assert len(concealed.partition(MASK)[2]) <= 5  # letters that hold less than one of the password's


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abc.def-0123456789", "Authorization: Bearer ***"),
        ("Authorization: Basic Zm9vOmJhcg==", "Authorization: Basic ***"),
        ("authorization: BASIC Zm9vOmJhcg==", "authorization: BASIC ***"),
        ("authorization: bEARER abc.def-0123456789", "authorization: bEARER ***"),
        ("http://proxy-user:p@ss@proxy.example.com:3128/x", "http://***@proxy.example.com:3128/x"),
        ("see https://example.com/a@b", "see https://example.com/a@b"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl end", "*** end"),
        ("a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb", "a\n***\nb"),
        ("cut -----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN", "cut ***"),
        ("grant_type=password&password=hunter2&client_secret=x", "grant_type=password&password=***&client_secret=***"),
        ("are user name and password right?", "are user name and password right?"),
        ("short", "short"),
    ],
)
def test_shapes(text: str, masked: str) -> None:
    """Secrets that nobody told of are known by what stands around them; other text stays as it is."""
    assert Secrets().conceal(text) == masked


def test_a_key_is_found_in_parts() -> None:
    """Any line of a private key is masked; a key that is not known still is by its frame."""
    body = [f"{number:064d}" for number in range(3)]
    secrets = Secrets()
    secrets.learn("\n".join(["-----BEGIN PRIVATE KEY-----", *body, "-----END PRIVATE KEY-----", ""]))

    assert secrets.conceal(f"line {body[1]}!") == "line ***!"
    assert secrets.conceal("-----BEGIN PRIVATE KEY-----\nother") == "***"


def test_short_secrets_are_not_searched_for() -> None:
    """What is shorter than six characters would be found everywhere."""
    secrets = Secrets()
    secrets.learn("on")

    assert secrets.conceal("a collection") == "a collection"


def test_secrets_that_overlap() -> None:
    """A secret that holds another, or begins with another's end, leaves nothing of either."""
    secrets = Secrets()
    for each in ("abcdefgh", "efghijkl", "xxabcdefghyy"):
        secrets.learn(each)

    assert secrets.conceal("<abcdefghijkl> <xxabcdefghyy> <abcdefgh>") == "<***> <***> <***>"


def test_tokens_are_forgotten_in_the_end() -> None:
    """Of tokens only the last thousands are remembered, of passwords all: memory does not grow with the uptime."""
    secrets = Secrets()
    secrets.learn("the password")
    for number in range(LENT_AT_ONCE + 1):
        secrets.borrow(f"token-{number:06d}")
        secrets.borrow("token in use")

    assert secrets.conceal("token-000000") == "token-000000"
    assert secrets.conceal(f"token-{LENT_AT_ONCE:06d}") == MASK
    assert secrets.conceal("the password, token in use") == "***, ***"


@given(secret=st.text(min_size=6), before=st.text(), after=st.text())
def test_any_secret(secret: str, before: str, after: str) -> None:
    """Whatever a secret looks like and whatever stands around it, it is gone, unless the mask itself spells it."""
    secrets = Secrets()
    secrets.learn(secret)

    concealed = secrets.conceal(before + secret + after)

    assert secret not in concealed or set(secret) & set(MASK) or "%" in before + after


def fail() -> None:
    """Fail in words that quote the password."""
    raise RuntimeError(PASSWORD) from ValueError(repr(PASSWORD))


@pytest.mark.parametrize("form", ["console", "json", "logfmt"])
def test_everything_that_is_logged(form: Format) -> None:
    """In all formats values, nested ones, objects, messages of libraries and tracebacks are masked."""
    SECRETS.learn(PASSWORD)
    stream = io.StringIO()
    configure(level="debug", form=form, stream=stream)
    log, library = structlog.get_logger(), logging.getLogger("aiohttp.client")

    log.info(
        "told", text=f"<{PASSWORD}>", nested={"a": [{PASSWORD: PASSWORD}], "b": (PASSWORD,)}, raw=PASSWORD.encode()
    )
    log.info("odd", error=ValueError(PASSWORD), number=3, absent=None)
    library.warning("refused %s", PASSWORD)
    try:
        fail()
    except RuntimeError:
        log.exception("broken")
        library.exception("broken")

    text = stream.getvalue()
    assert "rd %&" not in text
    assert text.count(MASK) >= 11
    assert text.count("Traceback") == 2


def test_a_thousand_secrets_cost_no_more_than_one() -> None:
    """A line is masked in well under a millisecond however many secrets are known."""
    secrets = Secrets()
    for number in range(1000):
        secrets.learn(f"a secret that is number {number}")
    line = "source_failed of contoso: token: 127.0.0.1 answered 400 invalid_client, " * 4

    started = time.perf_counter()
    for _ in range(100):
        secrets.conceal(line)

    assert (time.perf_counter() - started) / 100 < 0.002
