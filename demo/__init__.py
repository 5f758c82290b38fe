"""A Home Assistant one can try: simulated gateways that speak the real protocols, and the house behind them."""
