"""Outbound HTTP, the one place for it: what all vendors share and none of them owns."""
