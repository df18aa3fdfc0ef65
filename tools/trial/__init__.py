"""The trial of the alerts: a fleet over simulated days, every incident raising its alert and nothing else.

    python -m tools.trial

The daemon polls the simulator in time that jumps (`fleet`), each scrape is recorded (`recording`), promtool evaluates
the shipped rules over the recording (`evaluation`), and what fired is held against the incidents (`verdict`).
"""
