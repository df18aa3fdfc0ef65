"""Lets ``python -m exporter`` do what ``m365-backup-exporter`` does."""

from exporter.cli import main

if __name__ == "__main__":
    main()
