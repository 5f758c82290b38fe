"""What an installation does with its devices: pure logic, no Home Assistant import."""
