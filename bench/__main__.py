"""Run all benchmarks and print what was measured next to what is wanted."""

import asyncio

from bench.polling import polling
from bench.scraping import scraping
from bench.state import state
from bench.table import Row, table
from exporter.heap import bounded_collections
from exporter.log import configure


def main() -> None:
    """Print the table."""
    configure(level="error", form="console")
    with bounded_collections():
        rows: list[Row] = asyncio.run(scraping(tenants=1000))
        rows += asyncio.run(polling(tenants=150, rows_per_customer=100))
        rows += asyncio.run(state(tenants=1000, restarted=640))
    print(table(rows))


if __name__ == "__main__":
    main()
