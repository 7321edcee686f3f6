from __future__ import annotations

import io
import json
import math
import zipfile
from pathlib import Path

import pytest
import shapefile

from app.legislators import Seat
from app.legislators.making.district_map import MOST_BYTES, DistrictMap, read_map
from app.legislators.making.sources import Content, InputUnusable

Ring = list[tuple[float, float]]

BOX: Ring = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0)]
HOLE: Ring = [(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6), (0.4, 0.4)]


def moved(ring: Ring, east: float, north: float = 0.0) -> Ring:
    return [(lon + east, lat + north) for lon, lat in ring]


AREAS: dict[str, list[list[Ring]]] = {
    "5600": [[BOX, HOLE], [moved(BOX, 5)]],
    "5001": [[moved(BOX, 1)]],
    "5002": [[HOLE[::-1]], [moved(BOX, 0, 60)]],
}
"""WY-AL is a square with a hole, and an island; VT-1 is beside it; VT-2 is in the hole, and far in the north.

Outer rings run clockwise and holes the other way, as a shapefile needs it.
"""


def geojson(areas: dict[str, list[list[Ring]]] = AREAS) -> bytes:
    features = [
        {
            "type": "Feature",
            "properties": {"GEOID": geoid},
            "geometry": {"type": "MultiPolygon", "coordinates": polygons},
        }
        for geoid, polygons in areas.items()
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def shapefile_zip(field: str, prefix: str = "", water: str = "26ZZ") -> bytes:
    """As the Census packs it: the shapes, their table and an index under one name."""
    shp, shx, dbf = io.BytesIO(), io.BytesIO(), io.BytesIO()
    writer = shapefile.Writer(shp=shp, shx=shx, dbf=dbf, shapeType=shapefile.POLYGON)
    writer.field("STATEFP", "C", 2)
    writer.field(field, "C", 13)
    for geoid, polygons in [*AREAS.items(), (water, [[moved(BOX, 20)]])]:
        writer.poly([ring for polygon in polygons for ring in polygon])
        writer.record(geoid[:2], f"{prefix}{geoid}")
    writer.close()
    return packed({"cd.shp": shp.getvalue(), "cd.dbf": dbf.getvalue(), "cd.shx": shx.getvalue(), "cd.prj": b"GEOGCS"})


def packed(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return archive.getvalue()


def read(data: bytes) -> DistrictMap:
    return read_map(Content(Path("map"), "", data))


@pytest.fixture(
    params=[geojson(), shapefile_zip("GEOID"), shapefile_zip("GEOIDFQ", "5001900US")],
    ids=["geojson", "shapefile", "shapefile with GEOIDFQ alone"],
)
def district_map(request: pytest.FixtureRequest) -> DistrictMap:
    return read(request.param)


def test_a_point_lies_in_a_district_or_in_none(district_map: DistrictMap) -> None:
    assert district_map.seats == {"WY-AL", "VT-1", "VT-2"}
    assert district_map.seat_at((0.2, 0.2)) == "WY-AL"
    assert district_map.seat_at((0.2, 5.2)) == "WY-AL"
    assert district_map.seat_at((0.2, 1.2)) == "VT-1"
    assert district_map.seat_at((0.5, 0.5)) == "VT-2"
    assert district_map.seat_at((0.5, 3.0)) is None
    assert district_map.seat_at((0.5, 20.5)) is None  # water


def test_a_point_on_a_line_has_one_district_whatever_the_order() -> None:
    backwards = read(geojson(dict(reversed(AREAS.items()))))

    assert read(geojson()).seat_at((0.5, 1.0)) == backwards.seat_at((0.5, 1.0)) == "VT-1"


def test_distances_are_kilometres(district_map: DistrictMap) -> None:
    at_equator, in_the_north = (0.0, 2.5), (60.0, 2.0)

    assert district_map.km_to(at_equator, [Seat("VT-1")]) == pytest.approx(55.6, abs=0.1)
    assert district_map.km_to(at_equator, [Seat("VT-1"), Seat("WY-AL")]) == pytest.approx(55.6, abs=0.1)
    assert district_map.km_to(in_the_north, [Seat("VT-2")]) == pytest.approx(55.6, abs=0.1)  # half a degree's length
    assert district_map.km_to((0.5, 0.5), [Seat("VT-2")]) == 0
    assert district_map.km_to((0.5, 0.5), []) == math.inf


def test_a_district_may_be_one_polygon() -> None:
    feature = {
        "type": "Feature",
        "properties": {"GEOID": "5600"},
        "geometry": {"type": "Polygon", "coordinates": [BOX]},
    }

    found = read(json.dumps({"type": "FeatureCollection", "features": [feature]}).encode())

    assert found.seat_at((0.5, 0.5)) == "WY-AL"


def bomb() -> bytes:
    return packed({"cd.shp": bytes(MOST_BYTES), "cd.dbf": b"x"})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"GEOID,area\n5600,9\n", "map is not JSON"),
        (b'{"type": "FeatureCollection"}', "“features” is not a list"),
        (b'{"features": [{"properties": {}}]}', "has no “GEOIDFQ”"),
        (b'{"features": [{"properties": {"GEOID": "5600"}}]}', "entry 1 has no area that can be read"),
        (b'{"features": [{"properties": {"GEOID": "9900"}}]}', "names an unknown district: '9900'"),
        (geojson({"5600": []}), "entry 1 is not an area"),
        (geojson({"5600": [[moved(BOX, 5000)]]}), "corners that are not on this earth"),
        (b"PK\x03\x04 and then nothing", "map is not a zipped shapefile"),
        (shapefile_zip("GEOID")[:-100], "map is not a zipped shapefile"),
        (packed({"cd.shp": b"no shapes", "cd.dbf": b"no table"}), "map is not a zipped shapefile"),
        (packed({"readme.txt": b"hello"}), "has not one .shp and one .dbf"),
        (shapefile_zip("NAME"), "has no “GEOIDFQ”"),
        (shapefile_zip("GEOID", water="5600"), "entry 4 shows WY-AL for the second time"),
    ],
)
def test_what_is_no_map_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(InputUnusable) as refused:
        read(data)

    assert sentence in str(refused.value)
    assert str(refused.value).count("\n") == 0


def test_a_small_file_that_unpacks_to_a_huge_one_is_not_unpacked() -> None:
    with pytest.raises(InputUnusable, match="map unpacks to more than 200 MB"):
        read(bomb())
