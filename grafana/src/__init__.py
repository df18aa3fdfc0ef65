"""Grafana's dashboards as typed Python: `python -m grafana.src` writes grafana/dashboards/*.json."""
