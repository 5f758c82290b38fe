"""Inverters behind a SOLARMAN logger stick, spoken to on the local network."""
