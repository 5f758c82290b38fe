"""SOCOMEC NET VISION cards: a UPS or an STS, read by Modbus TCP or SNMP, commanded by SNMP."""
