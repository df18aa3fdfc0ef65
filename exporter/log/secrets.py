"""What must never be written: secrets, in every form that something on the way may have brought them into.

Those that we know are found by their values, all others by what stands around them. The cost does not depend on how
many are known: each place of a text is looked up once, by the letters that a secret may end with.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, unquote

MASK: Final = "***"
SHORTEST: Final = 6
"""Characters; what is shorter is in every text. Such a secret is never logged because nothing ever logs one."""
LENT_AT_ONCE: Final = 4096
"""Tokens that are remembered; a busy fleet has a few a source, and those older than the last thousands have ended."""

_FENCE: Final = re.compile(r"-----(BEGIN|END) [A-Z ]+-----")
_SHAPES: Final = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"((?i:bearer|basic)) +[\w.~+/=-]{6,}"), rf"\1 {MASK}"),
    (re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), MASK),
    (re.compile(r"(://)[^\s/?#\"']+@"), rf"\1{MASK}@"),
    (
        re.compile(r"((?:client_secret|client_assertion|password|access_token|refresh_token)=)[^\s&\"']+"),
        rf"\1{MASK}",
    ),
)
"""Secrets that nobody told us of, by what stands around them: keys, headers, statements, addresses, forms."""


class Secrets:
    """The secrets of this process; `conceal` is cheap, and everything that is written passes it.

    Threads read files and write events, too: what is looked up is replaced, never changed.
    """

    def __init__(self) -> None:
        self._ends: dict[str, tuple[str, ...]] = {}
        """The last `SHORTEST` characters of a form → the forms that end so, the longest first."""
        self._lent: dict[str, None] = {}

    def learn(self, value: str) -> None:
        """Never let *value* be written, nor any line of it if it has several, as a key in PEM."""
        for each in (value, *value.splitlines()):
            if not _FENCE.fullmatch(each):
                self._enter(each)

    def borrow(self, value: str) -> None:
        """Never let *value* be written, which lives for a while only: of such, the last thousands are remembered."""
        if self._lent.pop(value, self) is self:
            self._enter(value)
        self._lent[value] = None
        if len(self._lent) > LENT_AT_ONCE:
            oldest = next(iter(self._lent))
            self._lent.pop(oldest, None)
            self._forget(oldest)

    def conceal(self, text: str) -> str:
        """Return *text* with a mask in the place of each secret."""
        if len(text) < SHORTEST:
            return text
        text = self._without_known(text)
        if "%" in text:
            text = self._seen_through(text, unquote(text))
        if "\\" in text:
            text = self._seen_through(text, text.replace("\\", ""))
        for shape, mask in _SHAPES:
            text = shape.sub(mask, text)
        return text

    def _seen_through(self, text: str, plain: str) -> str:
        """Return *plain*, masked, if it shows a secret that quoting, perhaps twice, had hidden; else *text*."""
        masked = self._without_known(plain)
        return text if masked == plain else masked

    def _enter(self, value: str) -> None:
        for form in _forms(value):
            alike = {form, *self._ends.get(form[-SHORTEST:], ())}
            self._ends[form[-SHORTEST:]] = tuple(sorted(alike, key=len, reverse=True))

    def _forget(self, value: str) -> None:
        for form in _forms(value):
            alike = tuple(each for each in self._ends.pop(form[-SHORTEST:], ()) if each != form)
            if alike:
                self._ends[form[-SHORTEST:]] = alike

    def _without_known(self, text: str) -> str:
        ends = self._ends
        found = [
            (end - len(form), end)
            for end in range(SHORTEST, len(text) + 1)
            if text[end - SHORTEST : end] in ends
            for form in ends.get(text[end - SHORTEST : end], ())
            if text.endswith(form, 0, end)
        ]
        if not found:
            return text
        pieces, written = [], 0
        for start, end in _merged(found):
            pieces += [text[written:start], MASK]
            written = end
        return "".join([*pieces, text[written:]])


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield spans that do not overlap: a secret may hold another one, or begin with what another one ends with."""
    start, end = -1, -1
    for first, last in sorted(spans):
        if first < end:
            end = max(end, last)
            continue
        if start >= 0:
            yield start, end
        start, end = first, last
    yield start, end


def _forms(value: str) -> set[str]:
    """Return *value* as JSON, Python, a URL, a form and Basic authentication may write it."""
    forms = {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        repr(value.encode(errors="replace"))[2:-1],
        quote(value, safe="", errors="replace"),
        value.replace(" ", "+"),
        *_base64(value.encode(errors="replace")),
    }
    forms |= {form.replace("\\", "") for form in forms}
    return {form for form in forms if len(form) >= SHORTEST}


def _base64(value: bytes) -> Iterator[str]:
    """Yield what base64 makes of *value* wherever it stands in what is encoded, but for the letters at its edges."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value).decode()
        # A letter holds six bits: those that share some with what stands before or after are not known.
        stable = encoded[(before * 8 + 5) // 6 : (before + len(value)) * 8 // 6]
        yield stable
        yield stable.translate(_URL_SAFE)


_URL_SAFE: Final = str.maketrans("+/", "-_")

SECRETS: Final = Secrets()
"""Those of this process: whoever reads a secret tells it at once, and the log is one for all, libraries included."""
