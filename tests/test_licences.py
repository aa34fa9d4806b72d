"""`docs/licences.md` has every direct dependency, with the licence that it is under."""

from __future__ import annotations

import pytest

from tests.licences import TABLE, Dependency, dependencies, licence


def _rows() -> dict[str, list[str]]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return {name: rest for name, *rest in cells[2:]}


def test_only_direct_dependencies_are_listed() -> None:
    assert sorted(_rows()) == sorted(each.name for each in dependencies())


@pytest.mark.parametrize("dependency", list(dependencies()), ids=lambda each: each.name)
def test_a_direct_dependency_is_listed_as_it_is(dependency: Dependency) -> None:
    versions, listed, use = _rows()[dependency.name]
    assert (versions, use) == (f"`{dependency.versions}`", dependency.use)
    found = licence(dependency.name)
    if found is None:  # not installed here
        assert listed
    else:  # another build of torch or numpy brings other libraries under licences of their own
        assert set(found.split(" AND ")) & set(listed.split(" AND "))


def test_no_licence_asks_for_more_than_a_notice() -> None:
    """MPL-2.0 is of a tool for tests alone, which is not handed on."""
    for name, (_, listed, use) in _rows().items():
        copyleft = [word for word in ("GPL", "MPL", "EUPL", "SSPL", "NC") if word in listed]
        assert not copyleft or (name, use) == ("hypothesis", "development"), listed
