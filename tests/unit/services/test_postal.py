"""Postal addresses by the rules of each country: parts, labels, and what cannot be right."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.services import postal
from balintmail.services.postal import PostalRefused

LONDON = {"country_code": "GB", "street_address": "1 High Street\nFlat 2", "city": "London", "postal_code": "ec1a1bb"}


def names(country: str) -> list[str]:
    return [part.name for part in postal.parts(country)]


def test_every_country_has_parts_and_a_street_or_a_place() -> None:
    assert len(postal.countries()) > 200
    for country in postal.countries():
        parts = postal.parts(country)
        assert {"street_address", "city", "name"} & {part.name for part in parts}, country
        assert len({part.name for part in parts}) == len(parts), country
        for part in parts:
            assert len(dict(part.choices)) == len(part.choices), country


def test_parts_stand_in_the_countrys_own_order_with_its_own_words() -> None:
    assert names("GB") == ["name", "company_name", "street_address", "city", "postal_code"]
    assert names("HU")[-3:] == ["city", "street_address", "postal_code"]
    assert {part.name: part.kind for part in postal.parts("IE")}["postal_code"] == "eircode"
    assert dict(next(part for part in postal.parts("US") if part.name == "country_area").choices)["CA"] == "California"


def test_address_is_kept_as_it_was_written_and_its_code_in_order() -> None:
    assert postal.checked({**LONDON, "city": "  London "}) == {**LONDON, "postal_code": "EC1A 1BB"}
    american = {"country_code": "us", "street_address": "1 Main St", "city": "Springfield", "postal_code": "95014"}
    assert postal.checked({**american, "country_area": "California"})["country_area"] == "CA"


@pytest.mark.parametrize(("change", "wrong"), [
    ({"city": ""}, {"city": "required"}),
    ({"postal_code": "99999"}, {"postal_code": "invalid"}),
    ({"street_address": "a\x00"}, {"street_address": "unprintable"}),
    ({"street_address": "x" * 401}, {"street_address": "unprintable"}),
    ({"street_address": "1\n2\n3\n4\n5"}, {"street_address": "unprintable"}),
    ({"city": "a\r\nb"}, {"city": "unprintable"}),
    ({"country_code": "ZZ"}, {"country_code": "invalid"}),
    ({"country_code": "../gb"}, {"country_code": "invalid"}),
    ({"country_code": ""}, {"country_code": "required"}),
    ({"city": "", "postal_code": ""}, {"city": "required", "postal_code": "required"}),
])  # fmt: skip
def test_every_part_that_is_wrong_is_named(change: dict[str, str], wrong: dict[str, str]) -> None:
    with pytest.raises(PostalRefused) as refused:
        postal.checked({**LONDON, **change})
    assert refused.value.wrong == wrong


def test_label_is_set_as_the_country_sets_it() -> None:
    assert postal.lines(postal.checked(LONDON), "Dr Anna Kovács") == [
        "Dr Anna Kovács", "1 High Street", "Flat 2", "London", "EC1A 1BB",
    ]  # fmt: skip
    german = {"country_code": "DE", "street_address": "Am Markt 1", "city": "Jena", "postal_code": "07743"}
    assert postal.lines({**german, "name": "Praxis Otten"}, "somebody") == ["Praxis Otten", "Am Markt 1", "07743 Jena"]


@given(st.sampled_from(postal.countries()), st.lists(st.text(max_size=30), min_size=8, max_size=8))
def test_no_text_makes_it_fail_otherwise(country: str, texts: list[str]) -> None:
    parts = postal.parts(country)
    try:
        clean = postal.checked(
            {"country_code": country, **dict(zip([part.name for part in parts], texts, strict=False))}
        )
    except PostalRefused:
        return
    for line in postal.lines(clean, "N"):
        assert not {unicodedata.category(letter) for letter in line} & {"Cc", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(("address", "name", "lines"), [
    ({"country_code": "HU", "street_address": "Kossuth Lajos utca 1.", "city": "Gyöngyös", "postal_code": "3200"},
     "Bálint Mihály", ["Bálint Mihály", "Gyöngyös", "Kossuth Lajos utca 1.", "3200"]),
    ({"country_code": "GR", "street_address": "Ακαδημίας 1", "city": "Αθήνα", "postal_code": "106 71"},
     "Άννα Παπαδοπούλου", ["Άννα Παπαδοπούλου", "Ακαδημίας 1", "106 71 Αθήνα"]),
    ({"country_code": "CN", "street_address": "中关村大街1号", "city": "海淀区", "country_area": "北京市",
      "postal_code": "100080"}, "李 明", ["100080", "北京市海淀区", "中关村大街1号", "李 明"]),
    ({"country_code": "JP", "street_address": "千代田区丸の内1-1", "country_area": "東京都",
      "postal_code": "100-0005"}, "佐藤 花子", ["〒100-0005", "東京都", "千代田区丸の内1-1", "佐藤 花子"]),
    ({"country_code": "IL", "street_address": "רחוב הרצל 1", "city": "תל אביב", "postal_code": "6688101"},
     "חנה כהן", ["חנה כהן", "רחוב הרצל 1", "תל אביב 6688101"]),
])  # fmt: skip
def test_addresses_in_five_scripts_are_kept_as_written_and_set_as_their_country_does(
    address: dict[str, str], name: str, lines: list[str]
) -> None:
    clean = postal.checked(address)
    assert clean["street_address"] == address["street_address"]
    assert postal.lines(clean, name) == lines


def test_what_is_wrong_is_called_by_its_name() -> None:
    with pytest.raises(PostalRefused) as refused:
        postal.checked({"country_code": "GB", "street_address": "1 High Street", "postal_code": "ABC"})
    assert refused.value.message == (
        "That postal address cannot be taken: the town is missing, the postcode is not right."
    )
    with pytest.raises(PostalRefused, match="the country is not right"):
        postal.checked({"country_code": "XX", "street_address": "1 High Street"})
