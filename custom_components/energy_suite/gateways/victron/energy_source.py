"""Which source an installation lives on now, as the VRM portal's screen saver decides it (VRM manual 17.4)."""

from .enums import EnergySource


def energy_source(
    *,
    solar: float | None,
    generator: float | None,
    battery: float | None,
    grid: float | None,
    consumption: float | None,
) -> EnergySource:
    """The source that gives most to the consumers; if none draws power, to the battery; else to the grid.

    Powers in W: battery positive when charging, grid positive when importing; None and what runs the other way give
    nothing. Totals do not tell which source a watt came from: as on the GX, what is drawn is taken from the sun
    first, then from the generator, the battery and the grid. Where nothing flows the answer is the grid.
    """
    stored, exported = max(battery or 0.0, 0.0), max(-(grid or 0.0), 0.0)
    sources = {
        EnergySource.SOLAR: solar or 0.0,
        EnergySource.GENERATOR: generator or 0.0,
        EnergySource.BATTERY: -(battery or 0.0),
        EnergySource.GRID: grid or 0.0,
    }
    for drawn in (consumption or 0.0, stored, exported):
        left, given = drawn, dict[EnergySource, float]()
        for source, power in sources.items():
            given[source] = max(min(power, left), 0.0)
            left -= given[source]
        most = max(given, key=given.__getitem__)
        if given[most] > 0:
            return most
    return EnergySource.GRID
