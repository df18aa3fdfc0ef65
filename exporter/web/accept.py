"""Which format and coding a scraper wants, by its Accept headers (RFC 9110, section 12)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from exporter.metrics.exposition import Format

CONTENT_TYPES: Final[dict[str, str]] = {
    "text": "text/plain; version=0.0.4; charset=utf-8",
    "text-1": "text/plain; version=1.0.0; charset=utf-8",
    "openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """One element of an Accept header."""

    name: str
    quality: float
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def exactness(self) -> int:
        """More parameters and fewer stars say more exactly what is meant."""
        return len(self.parameters) * 4 + 2 - self.name.count("*")


def wishes(header: str) -> Iterator[Wish]:
    """Yield the readable elements of an Accept or Accept-Encoding header, those refused with q=0 included."""
    for element in header.split(","):
        name, *rest = (part.strip() for part in element.split(";"))
        parameters = dict(part.split("=", 1) for part in rest if "=" in part)
        parameters = {key.strip().lower(): value.strip().strip('"') for key, value in parameters.items()}
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            continue
        if name and 0.0 <= quality <= 1.0:
            yield Wish(name.lower(), quality, parameters)


def negotiate(accept: str) -> tuple[Format, str]:
    """Return the format and its content type; text 0.0.4 where nothing we have is asked for.

    A version that we do not speak is not ours: it never gets an answer that claims to be it.
    """
    best: tuple[float, int, int] = (0.0, 0, 0)
    chosen: tuple[Format, str] = ("text", CONTENT_TYPES["text"])
    asked = list(wishes(accept))
    for rank, (form, variant, fits) in enumerate(_OFFERS):
        matching = [wish for wish in asked if fits(wish)]
        if not matching:
            continue
        wish = max(matching, key=lambda each: each.exactness)
        score = (wish.quality, wish.exactness, -rank)
        if wish.quality > 0 and score > best:
            best, chosen = score, (form, CONTENT_TYPES[variant])
    return chosen


def _text(wish: Wish) -> bool:
    return wish.name in {"text/plain", "text/*", "*/*"} and wish.parameters.get("version", "0.0.4") == "0.0.4"


def _text_1(wish: Wish) -> bool:
    return wish.name == "text/plain" and wish.parameters.get("version") == "1.0.0"


def _openmetrics(wish: Wish) -> bool:
    ours = wish.parameters.get("version", "1.0.0") == "1.0.0"
    return wish.name in {"application/openmetrics-text", "application/*"} and ours


_OFFERS: Final[tuple[tuple[Format, str, Callable[[Wish], bool]], ...]] = (
    ("text", "text", _text),
    ("openmetrics", "openmetrics", _openmetrics),
    ("text", "text-1", _text_1),
)


def takes_gzip(accept_encoding: str) -> bool:
    """Tell whether the answer may be compressed."""
    qualities = {wish.name: wish.quality for wish in wishes(accept_encoding)}
    return qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0))) > 0
