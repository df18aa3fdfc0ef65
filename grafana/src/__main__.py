"""Writes the dashboards' JSON anew, and removes what no page makes any more."""

from grafana.src.dashboards import FOLDER, files


def main() -> None:
    """Write the files."""
    made = files()
    for path in set(FOLDER.glob("*.json")) - made.keys():
        path.unlink()
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
