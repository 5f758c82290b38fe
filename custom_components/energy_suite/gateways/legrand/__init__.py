"""Legrand energy web servers and Modbus gateways, with the meters, breakers and charging stations behind them."""
