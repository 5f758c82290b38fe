"""The steps of the config flow: what all gateways share, and a module for each kind."""
