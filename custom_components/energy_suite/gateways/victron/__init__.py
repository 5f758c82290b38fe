"""Victron GX devices (Cerbo GX, Ekrano GX, Venus GX, ...) through their Modbus TCP server."""
