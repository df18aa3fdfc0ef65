"""What every test of a source gets."""

from tests.support.exposition import golden
from tests.support.vendor import vendor

__all__ = ["golden", "vendor"]
