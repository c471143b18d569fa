"""The arrows of docs/architecture.md are those of the source."""

import ast
import xml.etree.ElementTree as ET

import pytest

from docs import house


def test_every_import_is_an_arrow_that_is_allowed():
    wrong = {pair: files for pair, files in house.arrows().items() if pair[1] not in house.ROOMS[pair[0]].may}
    assert wrong == {}


def test_arrows_lead_down():
    order = list(house.ROOMS)
    for name, found in house.ROOMS.items():
        assert all(order.index(other) < order.index(name) for other in found.may)
        assert all(house.ROOMS[other].row > found.row or name == "_runtime" for other in found.may)


def test_every_room_is_in_the_table_and_in_the_drawing():
    files = [*(house.ROOT / "bpnn_jax").iterdir()]
    rooms = {house.room(f"bpnn_jax.{f.stem}") for f in files if f.suffix == ".py" or (f / "__init__.py").is_file()}
    assert rooms - {"__init__", "__main__"} | {"manual"} == set(house.ROOMS)
    drawn = "".join(ET.fromstring(house.svg()).itertext())
    assert all(name in drawn for name in house.ROOMS)


def test_the_drawing_leaves_out_only_what_follows():
    below: dict[str, set[str]] = {name: set() for name in house.ROOMS}
    for name in house.ROOMS:  # from the bottom up
        for a, b in house.needed():
            if a == name:
                below[name] |= {b} | below[b]
    for name, found in house.ROOMS.items():
        assert name == "_runtime" or set(found.may) - {"errors", "_runtime"} <= below[name]


@pytest.mark.parametrize(
    "source",
    [
        "from bpnn_jax.audit import gradient",
        "from bpnn_jax import audit",
        "import bpnn_jax.audit",
        "def f():\n    from bpnn_jax.audit._judge import Judge",
    ],
)
def test_the_scan_sees_an_import(source):
    assert {house.room(module) for module in house._imported(ast.parse(source))} == {"audit"}
