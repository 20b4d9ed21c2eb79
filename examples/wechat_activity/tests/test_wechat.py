"""Chats as they are exported, on into activities and a report. The clock of `make_crm` stands at 2026-01-15."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
from crmcore.testing import PluginConformance, import_file, plugin_of, read_timeline, run_report
from crmcore.types import Problem, Ref, SourceRow

import acme_wechat
from acme_wechat.rows import read_chats

WECHAT = plugin_of(acme_wechat)
CHATS = Path(__file__).parent / "lilei.wechat"
OPTIONS = {"done_by": "", "encoding": ""}


class TestConformance(PluginConformance):
    plugin = WECHAT


@pytest.fixture
def crm(make_crm):
    crm = make_crm(plugins=[WECHAT], timezone="Asia/Shanghai")
    with crm.session() as session:
        session.create("user", {"login": "li.lei", "name": "李雷"})
        session.create("user", {"login": "han", "name": "韩梅梅"})
        foshan = session.create("customer", {"name": "佛山企业电子"})
        session.create("contact", {"name": "王芳", "customer": foshan.id})
        session.create("contact", {"name": "赵强"})
    return crm


@pytest.fixture
def chats(tmp_path):
    """The chats where a file of rejected rows may stand beside them."""
    return Path(shutil.copy(CHATS, tmp_path))


def rows(path=CHATS):
    return [one for one in read_chats(path, OPTIONS) if isinstance(one, SourceRow)]


def test_the_messages_of_a_day_with_one_contact_are_one_row() -> None:
    found = {row.cells["external_id"]: (row.line, row.cells["wechat_messages"]) for row in rows()}

    assert found == {
        "wxid_lilei/wxid_wangfang/2025-12-30": (4, 1),
        "wxid_lilei/wxid_wangfang/2026-01-12": (7, 3),
        "wxid_lilei/wxid_wangfang/2026-01-14": (15, 1),
        "wxid_lilei/wxid_zhaoqiang/2026-01-12": (19, 2),
        "wxid_lilei/wxid_stranger/2026-01-13": (27, 1),
    }


def test_a_row_tells_who_said_what() -> None:
    cells = rows()[1].cells

    assert cells["summary"] == "您好，样品收到了，质量不错。 下周可以谈价格吗？"
    assert cells["body"].splitlines() == [
        "09:15 王芳: 您好，样品收到了，质量不错。 下周可以谈价格吗？",
        "09:16 李雷: 太好了，报价单今天发给您。",
        "15:02 李雷: [文件] 报价单2026-01.pdf",
    ]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("2026-01-12 09:15:02 王芳\n您好\n", 1, "nobody has been named"),
        ("账号: 李雷 (a)\n2026-01-12 09:15:02 王芳\n", 2, "nobody has been named"),
        ("账号: 李雷 (a)\n联系人: 王芳 (b)\n您好\n", 3, "expected a message"),
        ("账号: 李雷 (a)\n联系人: 王芳 (b)\n2026-02-30 09:15:02 王芳\n", 3, "no such day"),
        (
            "账号: 李雷 (a)\n联系人: 王芳 (b)\n2026-01-12 09:15:02 王芳\n一\n2026-01-12 09:00:00 王芳\n二\n",
            3,
            "2026-01-12 with 王芳 are not in their order",
        ),
        (
            "账号: 李雷 (a)\n联系人: 王芳 (b)\n2026-01-12 09:15:02 王芳\n一\n2026-01-13 09:00:00 王芳\n二\n"
            "2026-01-12 09:20:00 王芳\n三\n",
            7,
            "in two places",
        ),
    ],
)
def test_what_cannot_be_read_says_why_and_where(tmp_path, text, line, reason) -> None:
    file = tmp_path / "bad.wechat"
    file.write_text(text, encoding="utf-8")

    problem = next(one for one in read_chats(file, OPTIONS) if isinstance(one, Problem))

    assert problem.line == line
    assert reason in problem.message


def test_conversations_become_activities_of_the_customer(crm, chats) -> None:
    done = import_file(crm, chats, "activity")

    # 陌生人 is no contact, and there is no 30 February.
    assert done.outcomes == {"created": 4, "rejected": 2}
    with crm.session(read_only=True) as session:
        found = session.find("activity", "wechat_day = '2026-01-12'", order="id").records
    assert [(one.subject, one.contact, one.done_by, one.kind) for one in found] == [
        (Ref("customer", 1), 1, 1, "wechat"),
        (Ref("contact", 2), 2, 1, "wechat"),  # 赵强 has no customer
    ]
    assert found[0].happened_at == dt.datetime(2026, 1, 12, 1, 15, 2, tzinfo=dt.UTC)  # 09:15 in Shanghai


def test_the_same_export_changes_nothing_and_a_longer_one_only_what_is_new(crm, chats, tmp_path) -> None:
    import_file(crm, chats, "activity")
    assert import_file(crm, chats, "activity").outcomes["unchanged"] == 4

    later = tmp_path / "later.wechat"
    more = "什么时候发货？\n2026-01-14 10:01:00 李雷\n明天。\n"
    later.write_text(CHATS.read_text(encoding="utf-8").replace("什么时候发货？\n", more), encoding="utf-8")
    outcomes = import_file(crm, later, "activity").outcomes

    assert (outcomes["updated"], outcomes["unchanged"]) == (1, 3)


def test_somebody_else_may_be_named_as_the_owner_of_the_chats(crm, chats) -> None:
    import_file(crm, chats, "activity", options={"done_by": "han"})

    with crm.session(read_only=True) as session:
        assert {one.done_by for one in session.iterate("activity")} == {2}


def test_the_report_counts_by_month_employee_and_customer(crm, chats) -> None:
    import_file(crm, chats, "activity")

    report = run_report(crm, "wechat.conversations")

    assert report.rows == (
        ("2025-12", "李雷", "佛山企业电子", 1, 1),
        ("2026-01", "李雷", "佛山企业电子", 2, 4),
    )
    assert {fact.name: fact.value for fact in report.facts} == {"conversations": 3, "messages": 5, "customers": 1}
    assert run_report(crm, "wechat.conversations", months=1).rows == report.rows[1:]
    assert run_report(crm, "wechat.conversations", as_of="2025-12-31").rows == report.rows[:1]


def test_conversations_are_in_the_timeline_of_the_customer(crm, chats) -> None:
    import_file(crm, chats, "activity")

    told = [entry for entry in read_timeline(crm, "customer", 1) if "价格可以" in f"{entry.title} {entry.detail}"]

    assert len(told) == 1


def test_a_conversation_may_be_about_the_contact_instead(make_crm) -> None:
    crm = make_crm(plugins=[WECHAT], settings={"wechat": {"about_customer": False}})
    with crm.session() as session:
        foshan = session.create("customer", {"name": "佛山企业电子"})
        wang = session.create("contact", {"name": "王芳", "customer": foshan.id})
        at = {"happened_at": "2026-01-12T09:15:00Z"}
        said = session.create("activity", {"kind": "wechat", "contact": wang.id, **at})
        other = session.create("activity", {"kind": "chat", "subject": "customer:1", **at})

    assert (said.subject, other.subject) == (Ref("contact", 1), Ref("customer", 1))
