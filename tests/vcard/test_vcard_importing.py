"""Plugin vcard in an import: cards become contacts or customers, rejected ones come back mended, exports unchanged."""

from __future__ import annotations

import datetime as dt

import pytest

from crmcore.exporting import export_file
from crmcore.i18n import speaking
from crmcore.importing import import_file

CARDS = """BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E5=BC=A0;=E4=BC=9F;;;
TEL;CELL:13800138000
ORG;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E4=BD=9B=E5=B1=B1=E7=94=B5=E5=AD=90
END:VCARD
BEGIN:VCARD
VERSION:3.0
TEL:010-1
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:Jane Doe
GENDER:F
BDAY:19850415
EMAIL:jane@example.org
CATEGORIES:vip,new
TEL;TYPE=work:+49 1
TEL;TYPE=home:+49 2
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:No Company
ORG:Nowhere
END:VCARD
"""


@pytest.fixture
def crm(make_crm, tmp_path):
    crm = make_crm(enabled=["vcard", "tabular"])
    with crm.session() as session:
        session.create("customer", {"name": "佛山电子"})
    return crm


@pytest.fixture
def cards(tmp_path):
    path = tmp_path / "cards.vcf"
    path.write_text(CARDS, encoding="utf-8")
    return path


def test_cards_become_contacts(crm, cards):
    result = import_file(crm, cards, "contact")
    assert result.outcomes == {"created": 2, "rejected": 2}
    assert result.plan.unknown == result.plan.repeated == ()
    with crm.session(read_only=True) as session:
        zhang, jane = session.iterate("contact", order="id")
    assert (zhang.name, zhang.mobile, zhang.customer) == ("张伟", "13800138000", 1)
    assert (jane.gender, jane.birthday, jane.tags) == ("female", dt.date(1985, 4, 15), ["vip", "new"])
    assert (jane.phone, jane.notes) == ("+49 1", "TEL (home): +49 2")


def test_rejected_cards_come_back_in_a_file_of_cards_and_are_taken_when_mended(crm, cards):
    rejects = import_file(crm, cards, "contact").rejects
    assert rejects.name == "cards.rejects.vcf"
    text = rejects.read_text(encoding="utf-8")
    assert "X-CRMCORE-LINE:7\nX-CRMCORE-REASON:the card has no name: neither FN nor N\nVERSION:3.0\nTEL:010-1" in text
    assert 'X-CRMCORE-REASON:customer: there is no customer "Nowhere"' in text
    rejects.write_text(
        text.replace("TEL:010-1", "FN:Found\nTEL:010-1").replace("Nowhere", "佛山电子"), encoding="utf-8"
    )
    again = import_file(crm, rejects, "contact")
    assert (again.outcomes, again.rejects) == ({"created": 2}, None)


def test_a_repeated_import_changes_nothing(crm, cards):
    import_file(crm, cards, "contact", create_missing=True)
    assert import_file(crm, cards, "contact").outcomes == {"unchanged": 3, "rejected": 1}


def test_cards_of_private_customers_become_customers_by_a_mapping_file(crm, cards, tmp_path):
    mapping = tmp_path / "private.toml"
    mapping.write_text('[columns]\nname = "name"\nmobile = "mobile"\ncustomer = "employer"\n[fill]\nkind = "person"\n')
    result = import_file(crm, cards, "customer", mapping=mapping)
    assert result.outcomes == {"created": 3, "rejected": 1}
    with crm.session(read_only=True) as session:
        (zhang,) = session.iterate("customer", "mobile = '13800138000'")
    assert (zhang.name, zhang.kind, zhang.employer) == ("张伟", "person", "佛山电子")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_contacts_that_were_exported_come_back_unchanged_and_elsewhere_the_same(
    crm, make_crm, cards, tmp_path, language
):
    import_file(crm, cards, "contact", create_missing=True)
    with crm.session() as session:
        session.update("contact", 2, {"active": False, "reports_to": 1, "hobbies": "tea, hiking", "notes": "a\n\nb; c"})
    with speaking(language), crm.session(read_only=True) as session:
        export_file(session, "contact", tmp_path / "own.vcf")
        export_file(session, "contact", tmp_path / "foreign.vcf", with_id=False)
    assert import_file(crm, tmp_path / "own.vcf", "contact").outcomes == {"unchanged": 3}
    there = make_crm(enabled=["vcard"])
    assert import_file(there, tmp_path / "foreign.vcf", "contact", create_missing=True).outcomes == {"created": 3}
    assert values(there) == values(crm)


def values(crm):
    kept = {"id", "created_at", "updated_at", "version", "import_id", "source", "external_id", "customer"}
    with crm.session(read_only=True) as session:
        records = [record.as_json() for record in session.iterate("contact", order="name")]
    return [{name: value for name, value in record.items() if name not in kept} for record in records]
