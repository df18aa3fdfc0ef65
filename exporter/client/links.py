"""Addresses a vendor hands us, held to the origin we trust with our token."""

import re
from typing import Final

from yarl import URL

from exporter.errors import AnswerUnreadable

_ENCODED: Final = re.compile(r"[\x21-\x7e]*")


def same_origin(base: URL, link: str) -> URL:
    """Return *link*, which may be relative to *base*, kept as the vendor encoded it.

    Raises AnswerUnreadable, with the foreign host, unless scheme, host and port are those of *base*.
    """
    try:
        # Encoding once more would change the opaque tokens in it; raw blanks and controls must go.
        target = base.join(URL(link, encoded=_ENCODED.fullmatch(link) is not None))
        trusted = _origin(target) == _origin(base) and target.raw_user is None
    except ValueError:
        raise AnswerUnreadable(f"{base.host} gave a link that is not a URL") from None
    if not trusted:
        raise AnswerUnreadable(f"{base.host} gave a link to another origin, {target.scheme}://{target.host}")
    return target


def _origin(url: URL) -> tuple[str, str | None, int | None]:
    return url.scheme, url.raw_host, url.port
