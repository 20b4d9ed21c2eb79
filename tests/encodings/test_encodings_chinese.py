"""Chinese in GB18030, told from everything else whose bytes are some text in it too."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmcore import EncodingError, detect_encoding

HEADER = "公司名称,中文地址,市县镇,电话,行业,有限,项目,现在\n"

# The common characters of GB 2312, and its rarer ones: every cell of its rows 16 to 55 and 56 to 87.
COMMON = [bytes([lead, trail]).decode("gb2312") for lead in range(0xB0, 0xD7) for trail in range(0xA1, 0xFF)]
RARER = [bytes([lead, trail]).decode("gb2312") for lead in range(0xD8, 0xF8) for trail in range(0xA1, 0xFF)]

FRENCH = "name,city\nSociété Générale,Paris\nCrédit Agricole,Montrouge\nL'Oréal,Clichy\n"
PORTUGUESE = "DESCRIÇÃO,OBSERVAÇÃO\nconexão,situação\nMAÇÃ,MAÇÃS\n"
KOREAN = (
    "고객명,전화번호,주소\n"
    "삼성전자주식회사,02,서울특별시강남구테헤란로\n"
    "현대자동차,02,부산광역시해운대구\n"
    "김민준,051,대구광역시 수성구\n"
)
JAPANESE = "会社名,担当,住所\n山田製作所,田中一郎,東京都千代田区丸の内\n鈴木商店,佐藤花子,大阪市北区梅田\n"
KANJI = "株式会社山田製作所\n有限会社鈴木商店\n東京都千代田区\n神奈川県横浜市中区\n大阪府大阪市北区\n"
TAIWANESE = "客戶名稱,電話\n台灣積體電路製造股份有限公司,02\n鴻海精密工業股份有限公司,02\n"


@pytest.mark.parametrize(
    "text",
    [
        "名称\n",
        "姓名,电话\n李鑫,138\n",
        "公司：①甲、②乙；（丙）！\n",
        "客户,￥５０.00\n",
        "客户名称,备注,联系人电话\n镕基建材有限公司,这一家很好😀，下周再联系\n",
        "name,phone\n佛山企业电子有限公司,0757\n上海欣阳贸易,021\n北京鑫磊科技,010\n",
        "客户名称,联系人,电话\n广州喆淼商贸有限公司,陶喆,020\n昇恒昌百货,冼星海,0755\n深圳镕达电子,朱镕,0755\n",
        "客户名称,行业,电话\n佛山企业电子有限公司,电子,0757-8888\n陶喆,音乐,鑫淼焱\n",
    ],
)
def test_short_files_and_rare_characters_are_chinese(detect, text):
    found, read = detect(text.encode("gb18030"))
    assert (found.label, found.lines, read) == ("GB18030", text.count("\n"), text)


def test_a_long_list_of_words_that_nobody_uses_every_day_is_chinese(detect):
    text = "\n".join(["name", *COMMON[::11]]) + "\n"
    assert detect(text.encode("gb18030"))[0].label == "GB18030"


@pytest.mark.parametrize(
    "text",
    [
        TAIWANESE,
        "備註,電話\n鑫,喆\n",
        "name,phone\n香港國際貿易有限公司,852\n臺灣電子股份有限公司,886\n陳志偉,886\n",
        "客户名称,电话\n台積電,02\n鴻海精密,02\n廣達電腦,02\n",
    ],
)
def test_traditional_characters_in_gb18030_are_chinese(detect, text):
    found, read = detect(text.encode("gb18030"))
    assert (found.label, read) == ("GB18030", text)


@pytest.mark.parametrize("text", ["龘靐,齉齾\n", "喆,淼\n焱,垚\n"])
def test_chinese_of_mostly_rare_characters_is_read_where_it_is_declared(refusal, detect, text):
    assert "GB18030" in str(refusal(text.encode("gb18030")))
    assert detect(text.encode("gb18030"), "gb18030")[1] == text


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (FRENCH, "cp1252"),
        (PORTUGUESE, "cp1252"),
        ("Zoë Müller, Größe 5 °C\n", "cp1252"),
        ("Société Générale,Zoë\n", "cp1252"),
        ("créée\n", "latin-1"),
        ("CRÉÉE,ANNÉE\n", "cp1252"),
        ("Größe;Straße\n", "cp1252"),
        ("Peña Nieto,Ñandú\n", "cp1252"),
        ("naïve café – déjà vu\n", "cp1252"),
        ("price\n€ 5\n", "cp1252"),
        ("Привет мир,Общество с ограниченной ответственностью\n", "cp1251"),
        ("Привет мир,Общество с ограниченной ответственностью\n", "koi8-r"),
        ("ОБЩЕСТВО С ОГРАНИЧЕННОЙ ОТВЕТСТВЕННОСТЬЮ,МОСКВА,САНКТ-ПЕТЕРБУРГ\n", "cp1251"),
        ("ΕΤΑΙΡΕΙΑ,ΑΘΗΝΑ,ΘΕΣΣΑΛΟΝΙΚΗ\n", "cp1253"),
        ("Καλημέρα κόσμε\n", "cp1253"),
        ("Żółć gęślą jaźń\n", "cp1250"),
        ("İstanbul,Şişli,Üsküdar,ÇAĞRI\n", "cp1254"),
        ("ÖĞRETMEN\n", "cp1254"),
        ("บริษัท จำกัด,กรุงเทพมหานคร\n", "cp874"),
        (KOREAN, "euc_kr"),
        ("name,phone\n김민준,02\n이서연,02\n박도윤,02\n", "euc_kr"),
        ("company\n한국전력공사\n주식회사 대한무역\n서울우유협동조합\n", "euc_kr"),
        ("이름\n홍길동\n", "euc_kr"),
        ("株式会社\nトヨタ自動車\n", "shift_jis"),
        (JAPANESE, "shift_jis"),
        ("ﾔﾏﾀﾞ ﾀﾛｳ,ｽｽﾞｷ ｲﾁﾛｳ\nｶﾌﾞｼｷｶﾞｲｼｬ ﾄﾖﾀ,ﾄｳｷｮｳ\n", "shift_jis"),
        (JAPANESE, "euc_jp"),
        (KANJI, "euc_jp"),
        ("株式会社トヨタ自動車です\n", "euc_jp"),
        (TAIWANESE, "big5"),
        ("姓名\n陳志偉\n", "big5"),
    ],
)
def test_other_encodings_are_not_read_as_chinese(refusal, detect, text, codec):
    for content in (text.encode(codec), text.encode(codec) * 300):
        error = refusal(content)
        first = next(number for number, byte in enumerate(content, start=1) if byte > 127)
        assert str(error) == f"byte {first} is not UTF-8, and the file does not read as Chinese (GB18030) either"
        assert error.code == "encoding"
    assert detect(text.encode(codec), codec)[1] == text


SYLLABLES = [bytes([lead, trail]).decode("euc_kr") for lead in range(0xB0, 0xC9) for trail in range(0xA1, 0xFF)]


@pytest.mark.parametrize(
    ("characters", "codec"),
    [
        (SYLLABLES, "euc_kr"),
        ("あいうえおかきくけこさしすせそアイウエオカキクケコ会社名東京都大阪府山田鈴木", "euc_jp"),
        ([chr(code) for code in range(0xFF71, 0xFF9E)], "shift_jis"),
        ("АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЫЭЮЯ", "cp1251"),
        ("абвгдежзиклмнопрстуфхцчшщыэюя", "koi8-r"),
        ("ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", "cp1253"),
    ],
    ids=["korean", "japanese", "half-width", "russian", "koi8", "greek"],
)
def test_long_files_with_all_letters_of_another_language_are_not_either(refusal, characters, codec):
    # Every letter beside every other, so that whatever can be read between them is.
    letters = list(characters)
    text = "\n".join("".join(letters[at::step]) for step in range(1, 40) for at in range(step)) + "\n"
    assert "does not read as Chinese" in str(refusal(text.encode(codec)))


@pytest.fixture(scope="module")
def read_back(tmp_path_factory):
    """Give a function that writes a text in GB18030 and returns what its encoding is found to be, and its text."""

    def read_back(text):
        path = tmp_path_factory.mktemp("x") / "file"
        path.write_bytes(text.encode("gb18030"))
        found = detect_encoding(path)
        with path.open(encoding=found.name, newline="") as file:
            return found.label, file.read()

    return read_back


@given(
    st.lists(st.sampled_from(COMMON), max_size=25),
    st.lists(st.sampled_from(RARER), max_size=5),
    st.text("abc,;0123 \n", max_size=100),
)
@settings(deadline=None)  # the machine may be busy
def test_a_header_in_chinese_carries_as_many_other_characters(read_back, common, rarer, ascii_text):
    text = ascii_text.join([HEADER, "".join(common), "".join(rarer), "\n"])
    assert read_back(text) == ("GB18030", text)


@given(
    st.integers().map(Random),  # whose choices are even: drawn ones would come from a corner of the table
    st.integers(150, 400),
    st.lists(st.sampled_from(RARER), max_size=5),
    st.text("abc,;0123 \n", max_size=100),
)
@settings(deadline=None)  # the machine may be busy
def test_a_long_text_may_be_of_any_common_characters(read_back, random, length, rarer, ascii_text):
    text = ascii_text.join([HEADER, "".join(random.sample(COMMON, length)), "".join(rarer), "\n"])
    assert read_back(text) == ("GB18030", text)


LATIN = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=4)
ACCENTED = st.sampled_from("àáâãäåæçèéêëìíîïñòóôõöøùúûüýßÀÉÈÇÖÜÄ")
WORD = st.lists(st.tuples(LATIN, ACCENTED), min_size=1, max_size=3).map(lambda parts: "".join(map("".join, parts)))


@given(st.lists(WORD, min_size=1, max_size=20), st.sampled_from([" ", ",", "\n", "; "]))
@settings(deadline=None)  # the machine may be busy
def test_words_with_single_accents_are_never_read_as_chinese(tmp_path_factory, words, between):
    path = tmp_path_factory.mktemp("x") / "file"
    path.write_bytes((between.join(words) + "\n").encode("cp1252"))
    with pytest.raises(EncodingError):
        detect_encoding(path)
