"""What is on the wire: gateways, their devices and the schedule that reads them. Nothing here knows Home Assistant."""
