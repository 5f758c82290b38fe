"""The table of Legrand references in the documentation is what the catalogue says."""

from custom_components.energy_suite.gateways.legrand.catalogue import CATALOGUE, FAMILIES
from scripts import legrand_table


def rows():
    """Reference -> the cells of its row in the committed table."""
    lines = legrand_table.TABLE.read_text(encoding="utf-8").splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ") and not line.startswith("| Ref")]
    return {first: rest for first, *rest in cells}


def test_the_committed_table_is_up_to_date():
    assert legrand_table.TABLE.read_text(encoding="utf-8") == legrand_table.table()


def test_it_has_a_row_for_every_reference():
    assert rows().keys() == CATALOGUE.keys()
    assert len(rows()) == 123
    assert list(legrand_table.TITLES) == list(FAMILIES)


def test_it_says_what_each_is_read_with_and_how_sure_that_is():
    told = {reference: cells[-2:] for reference, cells in rows().items()}
    assert told["4 120 45"] == ["`emdx3_multifunction`, your profile, or generic", "proven"]
    assert told["4 120 51"] == ["`emdx3_multifunction`, your profile, or generic", "candidate"]
    assert told["0 146 69"] == ["`emdx3_diris`, your profile, or generic", "candidate"]
    assert told["4 149 29"] == ["your profile", "none public"]
    assert told["0 046 70"] == ["the map of its concentrator", "see there"]
    assert told["4 149 40"] == ["not read itself", "-"]
    assert told["generic Modbus meter"] == ["generic: what you enter", "-"]
    assert [reference for reference, (_, sure) in told.items() if sure == "proven"] == ["4 120 45"]
    assert rows()["0 590 11"][2] == "phase, one device for each side"
