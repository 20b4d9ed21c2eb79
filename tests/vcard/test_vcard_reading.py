"""Plugin vcard, reading: cards of three versions as telephones and mail programs write them."""

from __future__ import annotations

import codecs
import datetime as dt

import pytest

from crmcore.testing import PluginConformance
from crmcore.types import Problem, SourceHeader, SourceRow
from crmcore_vcard.reading import read_vcards


class TestConformance(PluginConformance):
    plugin = "vcard"


@pytest.fixture
def read(tmp_path):
    def read(content, **options):
        path = tmp_path / "file.vcf"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_vcards(path, options))

    return read


@pytest.fixture
def cells(read):
    """Read the only card of a file, given as its lines or its bytes, and return what is filled."""

    def cells(*lines, version="3.0", **options):
        text = "\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])
        _header, row = read(text, **options)
        assert isinstance(row, SourceRow), row
        return {header: cell for header, cell in row.cells.items() if cell is not None}

    return cells


def test_a_card_of_an_old_telephone_is_read(read):
    header, row = read(
        "BEGIN:VCARD\r\n"
        "VERSION:2.1\r\n"
        "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E5=BC=A0;=E4=BC=9F;;;\r\n"
        "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E5=BC=A0=\r\n"
        "=E4=BC=9F\r\n"
        "TEL;CELL:13800138000\r\n"
        "TEL;WORK;VOICE:010-8888\r\n"
        "EMAIL;INTERNET:zhang@example.cn\r\n"
        "ORG;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E7=94=B5=E5=AD=90;=E9=94=80=E5=94=AE\r\n"
        "PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQSkZJRgABAQ\r\n"
        " AAAQABAAD/2wBDAAYEBQYFBAYGBQYHBwYI=\r\n"
        "\r\n"
        "NOTE;ENCODING=QUOTED-PRINTABLE:first=0D=0Asecond\r\n"
        "END:VCARD\r\n"
    )
    assert header == SourceHeader(
        ["name", "customer", "department", "phone", "mobile", "email", "notes"], lines=14, form="vCard 2.1, UTF-8"
    )
    assert row == SourceRow(
        1,
        {
            "name": "张伟",
            "customer": "电子",
            "department": "销售",
            "phone": "010-8888",
            "mobile": "13800138000",
            "email": "zhang@example.cn",
            "notes": "first\nsecond",
        },
    )


def test_a_card_of_version_3_is_read(cells):
    found = cells(
        "N:Doe;Jane;;Dr.;",
        "FN:Jane Doe\\, PhD",
        "ORG:Acme\\, Inc.;Sales;North",
        "TITLE:Head of Sales",
        "ADR;TYPE=WORK:;;1 Main St;Boston;MA;02110;USA",
        "BDAY;VALUE=date:1985-04-15",
        "CATEGORIES:vip,a\\,b",
        "NOTE:one\\ntwo\\; three",
    )
    assert found == {
        "name": "Jane Doe, PhD",
        "salutation": "Dr.",
        "customer": "Acme, Inc.",
        "department": "Sales / North",
        "job_title": "Head of Sales",
        "address": "1 Main St, Boston, MA 02110, USA",
        "birthday": dt.date(1985, 4, 15),
        "tags": ["vip", "a,b"],
        "notes": "one\ntwo; three",
    }


def test_a_card_of_version_4_is_read(cells):
    found = cells(
        "KIND:individual",
        "FN;LANGUAGE=en;PREF=2:Wang Xiaoming",
        "FN;LANGUAGE=zh;PREF=1:王小明",
        'TEL;VALUE=uri;TYPE="voice,work";PREF=1:tel:+86-10-1234;ext=5',
        "GENDER:F",
        "ANNIVERSARY:20090808T1430-0500",
        "IMPP:weixin:xiaoming",
        'ADR;LABEL="Unter den Linden 1^nBerlin":;;;;;;',
        "HOBBY:hiking",
        "INTEREST:tea",
        version="4.0",
    )
    assert found == {
        "name": "王小明",
        "kind": "person",
        "phone": "+86-10-1234 ext. 5",
        "wechat": "xiaoming",
        "address": "Unter den Linden 1\nBerlin",
        "gender": "female",
        "anniversary": dt.date(2009, 8, 8),
        "hobbies": "hiking, tea",
    }


def test_folds_keep_the_blank_in_version_2_1_and_take_it_away_later(cells):
    folded = ("FN:A", "NOTE:long", "  text", "\tand more")
    assert cells(*folded, version="2.1")["notes"] == "long  text\tand more"
    assert cells(*folded, version="3.0")["notes"] == "long textand more"


def test_a_fold_inside_a_character_is_mended(read):
    line = "FN:王小明".encode()
    content = b"BEGIN:VCARD\nVERSION:3.0\n" + line[:5] + b"\n " + line[5:] + b"\nEND:VCARD\n"
    assert read(content)[1].cells["name"] == "王小明"
    soft = b"BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E7=\n=8E=8B\nEND:VCARD\n"
    assert read(soft)[1].cells["name"] == "王"


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ("王;小明;;;", "王小明"),
        ("欧阳;娜娜;;;", "欧阳娜娜"),
        ("Stevenson;John;Philip,Paul;Dr.;Jr.", "John Philip Paul Stevenson Jr."),
        ("Cher", "Cher"),
        (";Plato;;;", "Plato"),
    ],
)
def test_without_a_formatted_name_its_parts_make_one(cells, parts, name):
    assert cells(f"N:{parts}")["name"] == name


def test_a_company_without_people_is_called_by_its_name(cells):
    assert cells("FN:", "N:;;;;", "ORG:佛山电子;销售部", "X-ABShowAs:COMPANY") == {
        "name": "佛山电子 销售部",
        "customer": "佛山电子",
        "department": "销售部",
    }


def test_numbers_go_by_their_type_and_none_is_lost(cells):
    found = cells(
        "FN:A",
        "TEL;TYPE=HOME,VOICE:1",
        "TEL;TYPE=WORK,FAX:2",
        "TEL;TYPE=WORK:3",
        "TEL;TYPE=CELL:4",
        "TEL;TYPE=CELL,PREF:5",
        "TEL;TYPE=PAGER:6",
    )
    assert (found["mobile"], found["phone"]) == ("5", "3")
    assert found["notes"].split("\n") == ["TEL (cell): 4", "TEL (home): 1", "TEL (work, fax): 2", "TEL (pager): 6"]


def test_a_number_of_no_type_is_a_mobile_one_where_it_looks_like_it(cells):
    found = cells("FN:A", "TEL:010-1234", "TEL;TYPE=VOICE:+86 138-0013-8000")
    assert (found["phone"], found["mobile"]) == ("010-1234", "+86 138-0013-8000")
    assert cells("FN:A", "TEL;TYPE=WORK:13800138000") == {"name": "A", "phone": "13800138000"}


def test_the_preferred_address_wins_then_the_one_at_work(cells):
    found = cells("FN:A", "EMAIL;TYPE=HOME:h@x", "EMAIL;TYPE=WORK:w@x", "EMAIL:mailto:o@x")
    assert (found["email"], found["notes"]) == ("w@x", "EMAIL (home): h@x\nEMAIL: o@x")
    preferred = cells("FN:A", "EMAIL;TYPE=WORK;PREF=2:w@x", "EMAIL;TYPE=HOME;PREF=1:h@x", version="4.0")
    assert preferred["email"] == "h@x"


def test_groups_bind_labels_to_what_they_label(cells):
    found = cells(
        "FN:A",
        "item1.TEL:1",
        "item1.X-ABLabel:_$!<HomeFAX>!$_",
        "item2.TEL:2",
        "item2.X-ABLabel:手机",
        "item3.X-ABDATE:2010-05-20",
        "item3.X-ABLabel:_$!<Anniversary>!$_",
        "item4.X-ABDATE:2011-01-01",
        "item4.X-ABLabel:入职",
    )
    assert found == {
        "name": "A",
        "mobile": "2",
        "anniversary": dt.date(2010, 5, 20),
        "notes": "TEL (homefax): 1\nDATE (入职): 2011-01-01",
    }


@pytest.mark.parametrize(
    ("line", "day"),
    [
        ("BDAY:19850415", dt.date(1985, 4, 15)),
        ("BDAY:1985-04-15", dt.date(1985, 4, 15)),
        ("BDAY:1985-04-15T00:00:00Z", dt.date(1985, 4, 15)),
        ("BDAY;VALUE=date-and-or-time:19850415T102200", dt.date(1985, 4, 15)),
    ],
)
def test_a_birthday_is_a_day_however_it_is_written(cells, line, day):
    assert cells("FN:A", line, version="4.0") == {"name": "A", "birthday": day}


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("BDAY:--0415", "BDAY: --0415"),
        ("BDAY:--04-15", "BDAY: --04-15"),
        ("BDAY:1985-04", "BDAY: 1985-04"),
        ("BDAY:1985", "BDAY: 1985"),
        ("BDAY;VALUE=text:circa 1800", "BDAY: circa 1800"),
        ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-15", "BDAY: --04-15"),
        ("BDAY:1985-02-30", "BDAY: 1985-02-30"),
    ],
)
def test_what_is_no_whole_day_is_kept_in_the_notes(cells, line, kept):
    assert cells("FN:A", "NOTE:met in Canton", line, version="4.0") == {"name": "A", "notes": f"met in Canton\n{kept}"}


@pytest.mark.parametrize(
    ("line", "gender"),
    [
        ("GENDER:M", "male"),
        ("GENDER:O;intersex", "other"),
        ("GENDER:U", "not_stated"),
        ("GENDER:;grammatical", "grammatical"),
        ("X-GENDER:女", "女"),
    ],
)
def test_a_gender_is_a_value_of_the_field_or_the_words(cells, line, gender):
    assert cells("FN:A", line, version="4.0")["gender"] == gender


def test_messengers_other_than_wechat_are_kept_in_the_notes(cells):
    found = cells(
        "FN:A",
        "X-QQ:12345",
        "IMPP;X-SERVICE-TYPE=Skype;TYPE=HOME:skype:a.b",
        "X-SOCIALPROFILE;TYPE=wechat;X-USER=wx_a:x-apple:wx_a",
        "X-WECHAT:wx_b",
        "X-SKYPE-USERNAME:c",
    )
    assert found["wechat"] == "wx_b"
    assert found["notes"].split("\n") == [
        "Skype: a.b",
        "X-SOCIALPROFILE (wechat): x-apple:wx_a",
        "QQ: 12345",
        "SKYPE: c",
    ]


def test_what_has_no_field_is_kept_in_the_notes_and_the_rest_is_passed_over(cells):
    found = cells(
        "FN:A",
        "NICKNAME:Al",
        "URL;TYPE=WORK:https://example.org/a\\,b",
        "ADR;TYPE=HOME:;;Home St 2;;;;",
        "ADR;TYPE=WORK:;;Work St 1;;;;",
        "UID:urn:uuid:1",
        "REV:20200101T000000Z",
        "X-SOMETHING:else",
    )
    assert found["address"] == "Work St 1"
    assert found["notes"].split("\n") == [
        "ADR (home): Home St 2",
        "NICKNAME: Al",
        "URL (work): https://example.org/a,b",
    ]


@pytest.mark.parametrize(
    ("parts", "address"),
    [
        (";;建国路1号;朝阳区;北京市;100000;中国", "中国北京市朝阳区建国路1号 100000"),
        (";3F;1 Main St;Boston;MA;02110;USA", "3F, 1 Main St, Boston, MA 02110, USA"),
        (";;Main St 1\\, left;;;;", "Main St 1, left"),
        ("PO Box 7;;;;;;", "PO Box 7"),
        (";;one line", "one line"),
    ],
)
def test_an_address_is_written_as_its_country_does(cells, parts, address):
    assert cells("FN:A", f"ADR:{parts}")["address"] == address


def test_a_backslash_is_an_escape_only_before_separators_in_version_2_1(cells):
    found = cells("FN:A", "ORG:a\\;b;c", "NOTE:C:\\new\\table", version="2.1")
    assert (found["customer"], found["department"], found["notes"]) == ("a;b", "c", "C:\\new\\table")
    assert cells("FN:A", "NOTE:C:\\\\new\\x", version="3.0")["notes"] == "C:\\new\\x"


def test_colons_in_quoted_parameters_do_not_end_them(cells):
    assert cells('FN;X-A="b:c;d":王', version="4.0") == {"name": "王"}


@pytest.mark.parametrize("charset", ["UTF-8", "GBK", "GB2312", "GB18030"])
def test_quoted_printable_names_its_charset(cells, charset):
    value = "".join(f"={byte:02X}" for byte in "王小明".encode("gb18030" if charset[0] == "G" else charset))
    assert cells(f"FN;CHARSET={charset};ENCODING=QUOTED-PRINTABLE:{value}", version="2.1") == {"name": "王小明"}
    assert cells(f"FN;QUOTED-PRINTABLE;CHARSET={charset}:{value}", version="2.1") == {"name": "王小明"}


def test_bytes_in_a_charset_of_their_own_are_read_where_every_card_names_it(read):
    content = (
        b"BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=ISO-8859-1:J\xf6rg\nEND:VCARD\n"
        b"BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=GBK:\xcd\xf5\nEND:VCARD\n"
    )
    header, one, two = read(content)
    assert header.form == "vCard 2.1, charsets as the cards say"
    assert (one.cells["name"], two.cells["name"]) == ("Jörg", "王")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
def test_files_in_several_encodings_are_read(read, encoding):
    text = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:王小明\r\nORG:佛山企业电子有限公司\r\nEND:VCARD\r\n"
    assert read(text.encode(encoding))[1].cells == {"name": "王小明", "customer": "佛山企业电子有限公司"}


def test_a_charset_that_was_left_over_when_a_file_became_utf_8_is_not_believed(cells):
    assert cells("FN;CHARSET=GBK:王小明", version="2.1") == {"name": "王小明"}


def test_an_encoding_that_nobody_knows_is_refused_with_what_to_say(read):
    (problem,) = read("BEGIN:VCARD\nVERSION:3.0\nFN:Jörg Müller\nEND:VCARD\n".encode("cp1252"))
    assert problem.message.startswith("byte 29 is not UTF-8")
    assert problem.hint == "Say which it is in, for instance: --option encoding=gb18030"
    row = read("BEGIN:VCARD\nFN:Jörg Müller\nEND:VCARD\n".encode("cp1252"), encoding="cp1252")[1]
    assert row.cells == {"name": "Jörg Müller"}


def test_broken_cards_are_problems_with_their_text_and_the_others_are_read(read):
    _header, *found = read(
        "BEGIN:VCARD\nFN:No End\n\n"
        "BEGIN:VCARD\nFN:One\nEND:VCARD\n"
        "BEGIN:VCARD\nTEL:1\nEND:VCARD\n"
        "rubbish\n"
        "begin:vcard\nfn:Two\nend:vcard\n"
        "BEGIN:VCARD\nFN:Three\nno property\nEND:VCARD\n"
        "BEGIN:VCARD\nFN;CHARSET=KLINGON;QUOTED-PRINTABLE:=41\nEND:VCARD\n"
        "BEGIN:VCARD\nFN:Last"
    )
    problems = [(one.line, one.message, *one.value) for one in found if isinstance(one, Problem)]
    assert [row.cells["name"] for row in found if isinstance(row, SourceRow)] == ["One", "Two"]
    assert problems == [
        (1, "the card has no end: END:VCARD is missing", "BEGIN:VCARD\nFN:No End\n"),
        (7, "the card has no name: neither FN nor N", "BEGIN:VCARD\nTEL:1\nEND:VCARD"),
        (10, "this is outside of any card", "rubbish"),
        (
            14,
            "line 16 is no property: a name, a colon and a value",
            "BEGIN:VCARD\nFN:Three\nno property\nEND:VCARD",
        ),
        (
            18,
            "line 19 is in KLINGON, an encoding that is not known",
            "BEGIN:VCARD\nFN;CHARSET=KLINGON;QUOTED-PRINTABLE:=41\nEND:VCARD",
        ),
        (21, "the card has no end: END:VCARD is missing", "BEGIN:VCARD\nFN:Last"),
    ]


def test_a_group_is_no_person(read):
    _header, problem = read("BEGIN:VCARD\nVERSION:4.0\nKIND:group\nFN:Team\nMEMBER:urn:uuid:1\nEND:VCARD\n")
    assert problem.message == "the card is a list of others, not a person"


def test_the_card_of_an_agent_inside_another_is_passed_over(cells):
    found = cells("FN:Boss", "AGENT:", "BEGIN:VCARD", "FN:Secretary", "TEL:1", "END:VCARD", "TITLE:CEO", version="2.1")
    assert found == {"name": "Boss", "job_title": "CEO"}


def test_a_mark_in_the_middle_is_passed_over_where_files_were_joined(read):
    card = codecs.BOM_UTF8 + b"BEGIN:VCARD\nFN:A\nEND:VCARD\n"
    assert [row.line for row in read(card + card)[1:]] == [1, 4]


@pytest.mark.parametrize("content", ["", "\n\n", "name,phone\nAcme,1\n"])
def test_a_file_without_cards_is_refused(read, content):
    (problem,) = read(content)
    assert problem.message == "there is no vCard in it"


def test_a_card_that_never_ends_does_not_fill_the_memory(read, monkeypatch):
    monkeypatch.setattr("crmcore_vcard.cards.LARGEST", 200)
    _header, problem, row = read(
        "BEGIN:VCARD\nFN:A\n" + "NOTE:" + "x" * 300 + "\nTEL:1\n" + "END:VCARD\nBEGIN:VCARD\nFN:B\nEND:VCARD\n"
    )
    assert problem.message == "the card is too large: END:VCARD may be missing"
    assert problem.value == ["BEGIN:VCARD"]
    assert (row.line, row.cells["name"]) == (6, "B")


def test_a_card_of_very_many_properties_is_a_problem(read):
    _header, problem, row = read(
        "BEGIN:VCARD\nFN:A\n" + "TEL:1\n" * 1_000 + "END:VCARD\nBEGIN:VCARD\nFN:B\n" + "TEL:1\n" * 999 + "END:VCARD\n"
    )
    assert problem.message == "the card has more than 1,000 properties"
    assert row.cells["name"] == "B"


def test_a_value_that_is_very_long_is_a_problem_unless_it_is_a_picture(read):
    card = "BEGIN:VCARD\nVERSION:4.0\nFN:A\n{name}:" + "x" * 1_000_001 + "\nEND:VCARD\n"
    _header, problem = read(card.format(name="NOTE"))
    _header, row = read(card.format(name="PHOTO"))
    assert problem.message == "line 4 has more than 1,000,000 characters"
    assert len(problem.value[0]) == 1_000_000
    assert row.cells["name"] == "A"


def test_cards_of_very_many_headers_are_refused(read):
    cards = (
        "BEGIN:VCARD\nFN:A\n" + "".join(f"X-CRMCORE-FIELD;X-HEADER=h{n}-{m}:1\n" for m in range(900)) + "END:VCARD\n"
        for n in range(12)
    )
    (problem,) = read("".join(cards))
    assert problem.message == "the cards have more than 10,000 different headers"


@pytest.mark.parametrize("encoding", ["idna", "punycode", "undefined", "unicode_escape", "hex"])
def test_what_is_no_encoding_of_files_is_refused_as_an_option_and_in_a_card(read, encoding):
    (problem,) = read("BEGIN:VCARD\nFN:A\nEND:VCARD\n", encoding=encoding)
    _header, in_card = read(f"BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE;CHARSET={encoding}:A\nEND:VCARD\n")
    assert problem.message == f"there is no encoding '{encoding}'"
    assert f"{encoding}, an encoding that is not known" in in_card.message


@pytest.mark.parametrize("line", ["FN;ENCODING=QUOTED-PRINTABLE:A=00", "FN;X-A=\0:A", "FN:A\0"])
def test_a_nul_character_is_the_damage_of_its_card(read, line):
    _header, problem, row = read(f"BEGIN:VCARD\n{line}\nEND:VCARD\nBEGIN:VCARD\nFN:B\nEND:VCARD\n")
    assert "line 2" in problem.message
    assert (row.line, row.cells["name"]) == (4, "B")
