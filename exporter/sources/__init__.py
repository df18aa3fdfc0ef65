"""The vendors: this union is the only list of them."""

from typing import TypeAlias

from exporter.sources.elements.settings import ElementsSettings

AnySource: TypeAlias = ElementsSettings
"""What a mapping under ``sources`` may be, told apart by ``kind``."""
