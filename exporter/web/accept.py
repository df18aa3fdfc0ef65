"""Which format and coding a scraper wants, by its Accept headers (RFC 9110, section 12).

What Prometheus asks and expects is told by its page on content negotiation
(https://prometheus.io/docs/instrumenting/content_negotiation/): where no wish can be met
the answer is text 0.0.4, and a format 1.0.0 names the escaping of its names.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from exporter.metrics.exposition import Format


@dataclass(frozen=True, slots=True)
class Wish:
    """One element of an Accept header."""

    name: str
    quality: float
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def exactness(self) -> tuple[int, int]:
        """Fewer stars, then more parameters, say more exactly what is meant."""
        return -self.name.count("*"), len(self.parameters)


@dataclass(frozen=True, slots=True)
class Offer:
    """A format that we have, under one of its names."""

    form: Format
    media_type: str
    version: str
    asked_plainly: bool
    """Whether it is the one to give where no version is asked for."""
    escapes: bool
    """Whether its content type tells how names are escaped."""

    def fits(self, wish: Wish) -> bool:
        """Tell whether the wish is for this; a version that we do not speak is not ours."""
        if wish.name not in {self.media_type, self.media_type.split("/")[0] + "/*", "*/*"}:
            return False
        version = wish.parameters.get("version")
        return self.asked_plainly if version is None else version == self.version

    def content_type(self, wish: Wish | None = None) -> str:
        """Return the answer's content type: true of the body, and in the words of the wish if they are known."""
        said = f"{self.media_type}; version={self.version}; charset=utf-8"
        if not self.escapes:
            return said
        scheme = wish.parameters.get("escaping", "") if wish else ""
        return f"{said}; escaping={scheme if scheme in NAMES_UNCHANGED else 'underscores'}"


NAMES_UNCHANGED: Final = frozenset({"allow-utf-8", "underscores", "values"})
"""Escaping schemes that leave names like ours as they are; the fourth, dots, doubles underscores."""

LAST_RESORT: Final = Offer("text", "text/plain", "0.0.4", asked_plainly=True, escapes=False)
OFFERS: Final = (
    LAST_RESORT,
    Offer("openmetrics", "application/openmetrics-text", "1.0.0", asked_plainly=True, escapes=True),
    Offer("text", "text/plain", "1.0.0", asked_plainly=False, escapes=True),
)
"""The first of them is given where two are wanted equally."""


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
    """Return the format and its content type; text 0.0.4 where nothing we have is asked for."""
    asked = list(wishes(accept))
    granted = [
        (wish.quality, wish.exactness, -rank, offer, wish)
        for rank, offer in enumerate(OFFERS)
        if (wish := max(filter(offer.fits, asked), key=lambda each: each.exactness, default=None)) and wish.quality > 0
    ]
    if not granted:
        return LAST_RESORT.form, LAST_RESORT.content_type()
    *_, offer, wish = max(granted, key=lambda each: each[:3])
    return offer.form, offer.content_type(wish)


def takes_gzip(accept_encoding: str) -> bool:
    """Tell whether the answer is to be compressed: gzip is admitted, and not less welcome than plain."""
    qualities = {wish.name: wish.quality for wish in wishes(accept_encoding)}
    gzip = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0)))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)
