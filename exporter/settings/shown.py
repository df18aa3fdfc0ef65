"""The configuration in effect as the file would have it, defaults included, secrets left out."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import SecretStr

from exporter.settings import Settings

SECRET: Final = "<secret>"  # noqa: S105 - what stands in the place of one
_USERINFO: Final = re.compile(r"(://)[^/@\s]+@")


class Shown:
    """The configuration that *settings* returns, written once for each, as a large one takes its time."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._last: tuple[Settings, str] | None = None
        self._turn = asyncio.Lock()

    async def text(self) -> str:
        """Return the YAML of what is in effect now."""
        async with self._turn:
            settings = self._settings()
            if self._last is None or self._last[0] is not settings:
                self._last = (settings, await asyncio.to_thread(shown, settings))
            return self._last[1]


def shown(settings: Settings) -> str:
    """Return *settings* as YAML; whatever is secret by its type, or stands before the host of a URL, is `SECRET`."""
    return yaml.safe_dump(_plain(settings.model_dump()), sort_keys=False, allow_unicode=True, width=120)


def _plain(value: Any) -> Any:
    """Return what YAML knows how to write."""
    match value:
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case SecretStr():
            return SECRET
        case Path():
            return _plain(str(value))
        case str():
            return _USERINFO.sub(rf"\1{SECRET}@", value)
        case _:
            return value
