"""Run all benchmarks and print what was measured next to what is wanted."""

import asyncio

from bench.fleet import fleet
from bench.table import Row, table


def main() -> None:
    """Print the table."""
    rows: list[Row] = asyncio.run(fleet(tenants=1000, rows_per_customer=100))
    print(table(rows))


if __name__ == "__main__":
    main()
