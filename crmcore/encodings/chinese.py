"""Whether what GB18030 makes of a file is Chinese. Nearly any bytes are some text in it, so what fits proves nothing.

Korean in EUC-KR and Japanese in EUC-JP read as common Chinese characters that make no sense, Western European text as
rare ones between Latin letters. Two things tell Chinese from them: a few hundred characters make up most of any text,
and a long one uses all parts of the table of characters, of which the others have a corner each.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter

__all__ = ["count_characters", "looks_chinese"]

_ENOUGH = 1_000_000
"""Characters outside ASCII; more change nothing."""
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")

_POINTS = 4
"""Of two familiar characters and no strange one: ``名称``. One name in another language has as many once in 1,000."""

_DIFFERENT = 60
"""Characters, each counted once, from which on a text shows which parts of the table it uses."""
_PART = 0.08
"""Share of the characters of a long text that lie in each part of the table. Evenly spread they would be 0.2 to 0.4."""
_KNOWN, _COMMON = 0.9, 0.7
"""Shares of a long text in GB 2312 or among the common characters of Big5, and in the common part of either."""

_PUNCTUATION = range(0xA1, 0xA4)  # rows of GB 2312 by first byte: symbols, numbers in circles, full-width ASCII
_COMMON_ROWS = range(0xB0, 0xD8)  # in the order of their sound, from a to z
_RARER_ROWS = range(0xD8, 0xF8)
_BIG5_COMMON = range(0xA4, 0xC7)

_FAMILIAR = frozenset(
    "安保北备本编不产长陈称城成程出传次大代单导地电订东额发方分服高工公管广桂国海号和合红户华化话黄会机技计件建江街金"
    "进经科客来兰理李丽联量了刘路络梅媒门名南宁品平期区人任日山商上设生省师时是市手售淑数司他天通王网为文吴务西息系下"
    "县限销新信行姓秀学杨阳要业一医英有玉员院云在张赵这址治中重周州主注装资子自座"
)
"""The characters that tables of customers and Chinese prose use most. Left out of these and of `_USUAL` are those whose
bytes are everyday syllables in EUC-KR, or everyday characters in EUC-JP."""
_USUAL = frozenset(
    "爱鞍按案奥澳把白百拜班般半宝报被比毕必边便变标表别彬斌滨兵丙病并波博布步部材才财采彩蔡餐参藏操曹策册测查察昌场常"
    "厂畅超朝潮车晨诚承吃持冲崇初除储处川船创春此从崔村存达打戴带丹郸但当党到道德得的等邓低底第帝点店调丁定冬董动都杜"
    "段断队对多而儿尔二法帆翻樊范芳房防纺放非飞肥费份丰峰冯凤佛否夫涪福副复傅阜负附该改干甘感刚港告歌革格个各给根跟更"
    "功供宫共沟构购古股顾关官观贵郭果过哈邯韩汉杭郝好浩核禾河黑很恒洪候后呼胡湖护花画划淮欢环还回慧惠汇活火或货击基吉"
    "极集即级几蓟济记际纪嘉佳加贾甲监间检简见健姜将疆蒋焦交教较叫接阶节杰洁结解界介今津近荆晶京精景静境究九就局举据巨"
    "具娟觉决均军凯看考可克刻空孔控口扣库款况坤昆拉雷类里莉立连练梁良两亮疗辽廖料列琳玲零凌陵岭领令流六龙楼卢鲁陆旅律"
    "率滦论罗码马满贸么每美们蒙盟孟米描民敏明命模摩目牧那娜难脑能你年牛农女诺欧排派潘盘培配彭鹏批片坪萍普浦七其齐起企"
    "气汽千钱潜强且亲琴轻清情请庆球求趋取去权全却确群然让热认荣融容柔如入软瑞润萨三色沙删陕汕尚少射社身深神沈审甚声失"
    "施十石什食实识史使始式示士世事势饰室视试首寿受输书属术述帅双水税说斯思死四宋苏速算随孙所它她台泰太态潭谭汤唐涛陶"
    "特提题体田条铁听亭同统投头图土团推陀外湾完万汪往望微围维委伟尾未魏位温问我乌无梧吾武五物析锡溪席习喜细霞夏先险现"
    "线相香箱襄翔想响项像向象萧消小孝校笑效些协械谢欣辛心兴型形性熊修需徐许旭选薛雪询训讯压亚严研岩言眼演艳燕验洋养样"
    "姚药野冶也叶依仪宜已乙以艺易亿意义益议译因音银饮尹引印应莹营影颖永勇用优由邮油游友又于余鱼雨与宇语域育预元袁原源"
    "远约越月运载再早造责则怎增曾展战站章账招照折者浙珍真镇争整正政郑证芝枝支知之织职直执值指只志至致置制质钟种众朱助"
    "筑住专转庄壮状准卓着咨字总邹走足族组最左做作"
)
"""Those that they use most after these."""
_TRADITIONAL = frozenset(
    "內戶吳見車來兩東狀長門為計訂負軍們個員師時書氣級記訊財馬偉務動區問國專將帳張強從現產處術許設責貨軟連陳備傑單場無"
    "發稅絡給華註貴買貿進郵鄉開間飯飲黃園會業楊當萬經義葉號話詢資過電團實對態種稱網臺與製說趙銀鳳億價劉層廣廠數樣標樓"
    "碼編蔣賣鄭銷學機盧縣諮輸鋼錄險頭館龍應營療總聯謝還點職醫鎖鎮雙額題繫羅藥證邊關類麗蘇蘭鐵顧體灣"
)
"""What is familiar in Taiwan and Hong Kong and not in GB 2312."""


def count_characters(text: str, counts: Counter[str]) -> None:
    """Add the characters of a text that are not ASCII to those counted so far."""
    if not text.isascii() and counts.total() < _ENOUGH:
        counts.update("".join(_NOT_ASCII.findall(text)))


def looks_chinese(counts: Counter[str]) -> bool:
    """Tell whether text with these characters, as GB18030 reads it, is Chinese."""
    return sum(map(_points, counts)) >= _POINTS or _spreads(counts)


def _points(character: str) -> int:
    """Return about how much likelier a character is in Chinese than in noise, as a logarithm."""
    if character in _FAMILIAR or character in _TRADITIONAL:
        return 2
    if character in _USUAL:
        return 1
    row = _row(character)
    if row in _PUNCTUATION:
        return 0
    return -1 if row or _is_common_in_big5(character) else -2


def _spreads(counts: Counter[str]) -> bool:
    """Tell whether a long text is made of known characters from all over the table."""
    known = common = 0
    table: list[bytes] = []
    for character, number in counts.items():
        row = _row(character)
        frequent = row in _PUNCTUATION or row in _COMMON_ROWS or _is_common_in_big5(character)
        common += number if frequent else 0
        known += number if frequent or row else 0
        if row in _COMMON_ROWS:
            table.append(character.encode("gb18030"))
    parts = (
        sum(code[0] < 0xC0 for code in table),  # not Cyrillic or Greek, whose letters come later
        sum(code[0] >= 0xD0 for code in table),  # not Korean or Japanese, whose common characters end before
        sum(code[1] >= 0xE0 for code in table),  # not half-width Japanese
    )
    total = counts.total()
    spread = len(table) >= _DIFFERENT and min(parts) >= _PART * len(table)
    return spread and known >= _KNOWN * total and common >= _COMMON * total


def _row(character: str) -> int:
    """Return the first byte of a character in GB 2312: punctuation or Chinese; 0 where it is neither."""
    code = character.encode("gb18030", "replace")
    if len(code) != 2 or code[1] < 0xA1 or "\ue000" <= character <= "\uf8ff":  # extensions, or assigned to nothing
        return 0
    return code[0] if code[0] in _PUNCTUATION or code[0] in _COMMON_ROWS or code[0] in _RARER_ROWS else 0


def _is_common_in_big5(character: str) -> bool:
    code = character.encode("big5", "ignore")
    return len(code) == 2 and code[0] in _BIG5_COMMON
