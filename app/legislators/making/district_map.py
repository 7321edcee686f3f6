"""The Census's map of districts: in which one a point lies, and how far it is to another.

The only file that knows shapely and pyshp. They are needed to build tables, and a site that runs does without them:
nothing imports this file but the builder, when it builds.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapefile
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from app.legislators import Seat
from app.legislators.geography import seat_order
from app.legislators.making.sources import Content, InputUnusable, Point, Record, parsed, record_of
from app.legislators.making.zip_sources import geoid_seat

MOST_BYTES = 200_000_000
"""Of a map, and of what a packed one grows to; the Census's has 12 MB as GeoJSON."""

_KM_PER_DEGREE = 111.2  # of a great circle


@dataclass(frozen=True, slots=True)
class DistrictMap:
    """Districts as areas; made by `read_map`. Points are latitude and longitude in degrees."""

    _shapes: Mapping[Seat, BaseGeometry]
    _parts: tuple[Seat, ...]
    """Whose each of the tree's polygons is: a district of islands has many."""
    _tree: shapely.STRtree

    @property
    def seats(self) -> frozenset[Seat]:
        """Every district on the map."""
        return frozenset(self._shapes)

    def seat_at(self, point: Point) -> Seat | None:
        """The district in which a point lies, None for one in none; on a line the lower of the two."""
        hits = self._tree.query(shapely.Point(point[1], point[0]), predicate="intersects")
        return min((self._parts[hit] for hit in hits.tolist()), key=seat_order, default=None)

    def km_to(self, point: Point, seats: Iterable[Seat]) -> float:
        """Kilometres to the nearest of some districts, infinite for none.

        Degrees are taken for equal lengths around the point: right to a hundredth within some 100 km, and good enough
        to tell near from far beyond. Not across the 180th meridian.
        """
        latitude, longitude = point
        east = _KM_PER_DEGREE * math.cos(math.radians(latitude))
        distances = (
            shapely.transform(
                self._shapes[seat], lambda lonlat: (lonlat - (longitude, latitude)) * (east, _KM_PER_DEGREE)
            ).distance(shapely.Point(0, 0))
            for seat in seats
            if seat in self._shapes
        )
        return min(distances, default=math.inf)


def read_map(content: Content) -> DistrictMap:
    """A cartographic boundary file of districts, zipped shapefile or GeoJSON. Raises InputUnusable.

    Each district has its GEOID, two digits of the state and two of the district; those of water (`…ZZ`) are skipped.
    """
    packed = content.data.startswith(b"PK")
    shapes: dict[Seat, BaseGeometry] = {}
    for where, geoid, geometry in _shapefile(content) if packed else _geojson(content):
        if geoid.endswith("ZZ"):
            continue
        seat = geoid_seat(geoid, where)
        if seat in shapes:
            raise InputUnusable(f"{where} shows {seat} for the second time.")
        shapes[seat] = _area(geometry, where)
    polygons = [(seat, polygon) for seat, area in shapes.items() for polygon in shapely.get_parts(area).tolist()]
    return DistrictMap(
        shapes, tuple(seat for seat, _ in polygons), shapely.STRtree([polygon for _, polygon in polygons])
    )


def _geojson(content: Content) -> Iterator[tuple[str, str, object]]:
    collection = record_of(parsed(content.path, content.data), str(content.path))
    for feature in collection.children("features"):
        yield feature.where, _geoid(feature.child("properties")), feature.values.get("geometry")


def _shapefile(content: Content) -> Iterator[tuple[str, str, object]]:
    try:
        shp, dbf = _members(content)
        with shapefile.Reader(shp=io.BytesIO(shp), dbf=io.BytesIO(dbf)) as reader:
            entries = [(entry.record.as_dict(), entry.shape.__geo_interface__) for entry in reader.iterShapeRecords()]
    except InputUnusable:
        raise
    except Exception as error:  # zipfile, zlib, struct and pyshp have a dozen ways to say that a file is broken
        raise InputUnusable(f"{content.path} is not a zipped shapefile ({error}).") from error
    for number, (properties, geometry) in enumerate(entries, start=1):
        where = f"{content.path}, entry {number}"
        yield where, _geoid(Record(where, properties)), geometry


def _members(content: Content) -> tuple[bytes, bytes]:
    """The shapes and their table."""
    with zipfile.ZipFile(io.BytesIO(content.data)) as archive:
        if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
            raise InputUnusable(f"{content.path} unpacks to more than {MOST_BYTES // 1_000_000} MB: is it the map?")
        names = {
            suffix: [name for name in archive.namelist() if Path(name).suffix == suffix] for suffix in (".shp", ".dbf")
        }
        if any(len(found) != 1 for found in names.values()):
            raise InputUnusable(f"{content.path} has not one .shp and one .dbf: is it a zipped shapefile?")
        return archive.read(names[".shp"][0]), archive.read(names[".dbf"][0])


def _geoid(properties: Record) -> str:
    """`0101`, or the end of `5001900US0101`."""
    if properties.has("GEOID"):
        return properties.text("GEOID")
    return properties.text("GEOIDFQ").partition("US")[2]


def _area(geometry: object, where: str) -> BaseGeometry:
    try:
        area = shape(_as_dict(geometry))
    except Exception as error:  # shapely answers coordinates of a wrong shape with whatever they broke
        raise InputUnusable(f"{where} has no area that can be read ({error}).") from error
    if area.is_empty or area.geom_type not in ("Polygon", "MultiPolygon"):
        raise InputUnusable(f"{where} is not an area: neither Polygon nor MultiPolygon.")
    if not (abs(shapely.get_coordinates(area)) <= (180, 90)).all():  # NaN is not either
        raise InputUnusable(f"{where} has corners that are not on this earth: degrees are needed.")
    return area


def _as_dict(geometry: object) -> dict[str, Any]:
    if not isinstance(geometry, dict):
        raise TypeError("there is no geometry")
    return geometry
