"""Device profiles: devices declared in a YAML file instead of Python, for maps that are data."""
