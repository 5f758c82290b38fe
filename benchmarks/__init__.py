"""What is fast and what is light, measured on the demo's sites. Run by hand: ``.venv/bin/python -m benchmarks``."""
