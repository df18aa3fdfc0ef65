"""The vendors: this union is the only list of them."""

from typing import Annotated, TypeAlias

from pydantic import Field

from exporter.sources.cloudbackup.settings import CloudBackupSettings
from exporter.sources.elements.settings import ElementsSettings
from exporter.sources.veeam.settings import VeeamSettings

AnySource: TypeAlias = Annotated[ElementsSettings | CloudBackupSettings | VeeamSettings, Field(discriminator="kind")]
"""What a mapping under ``sources`` may be, told apart by ``kind``."""
