"""Every document fits the schema, the schema the contract, and its price is right."""

from pathlib import Path

import pytest
from graphql import (
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    parse,
    validate,
    validate_schema,
)
from hatchling.builders.wheel import WheelBuilder

from tests.pages import ROOT
from tests.providers.jobber.costs import Price
from tests.providers.jobber.server import read_schema
from universal_calendar.providers.jobber import documents
from universal_calendar.providers.jobber.documents import ALL, Document

CONTRACT = ROOT.parent / "shared" / "contracts" / "jobber.graphql"
FOLDER = Path("src/universal_calendar/providers/jobber/documents")

every_document = pytest.mark.parametrize("document", ALL, ids=lambda each: each.name)


def read_contract() -> GraphQLSchema:
    return build_schema(CONTRACT.read_text())


@every_document
def test_document_fits_the_schema(document: Document) -> None:
    assert validate(read_schema(), parse(document.text)) == []


# Where the shared contract is not at hand, nobody can tell.
if CONTRACT.exists():

    @every_document
    def test_document_fits_the_contract(document: Document) -> None:
        assert validate(read_contract(), parse(document.text)) == []

    def test_schema_is_a_part_of_the_contract() -> None:
        """Whatever our schema allows, the contract allows: it only has more."""
        ours = read_schema()
        assert validate_schema(ours) == []
        assert [
            str(each) for each in find_breaking_changes(ours, read_contract())
        ] == []


@every_document
def test_price_is_right(document: Document) -> None:
    for first in (1, 50):
        priced = Price(parse(document.text), {"first": first}).requested
        assert priced == document.cost + document.each * first


def test_a_page_costs_what_comes_back_in_five_seconds() -> None:
    page = documents.SCHEDULE
    assert page.cost + page.each * 50 <= 5 * 500


def test_every_file_is_used_and_shipped() -> None:
    names = {name for each in ALL for name in (each.name, *each.fragments)}
    assert {each.stem for each in (ROOT / FOLDER).glob("*.graphql")} == names
    shipped = {
        each.distribution_path
        for each in WheelBuilder(str(ROOT)).recurse_included_files()
    }
    folder = FOLDER.relative_to("src")
    assert {f"{folder}/{name}.graphql" for name in names} <= shipped
