from __future__ import annotations

import textwrap
import tomllib
from pathlib import Path

import pytest

from crmcore.config import Config, EntityRights, Role, examine, read_config
from crmcore.errors import ConfigError
from crmcore.version import __version__


@pytest.fixture
def crm_toml(tmp_path):
    def write(text):
        path = tmp_path / "crm.toml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write


def refused(path, environment=None):
    with pytest.raises(ConfigError) as caught:
        read_config(path, environment or {})
    return caught.value.problems


def test_a_configuration_is_read_with_everything_in_it(crm_toml, tmp_path):
    (tmp_path / "my_plugins").mkdir()
    (tmp_path / "schemas").mkdir()
    path = crm_toml(
        """
        [instance]
        name = "演示"
        timezone = "Asia/Shanghai"
        language = "zh-CN"
        currency = "EUR"
        [database]
        url = "sqlite:///data/crm.db"
        [plugins]
        enabled = ["tabular", "abc"]
        plugin_dirs = ["my_plugins"]
        [plugins.abc]
        since = 2026-01-31
        [roles.sales]
        title = "Sales"
        grants = ["abc.run"]
        [roles.sales.customer]
        create = true
        update = "owner = me"
        hide = ["credit_limit"]
        fixed = ["owner"]
        [roles.sales."*"]
        read = true
        """
    )

    config = read_config(path)

    assert (config.name, config.timezone, config.language, config.currency) == ("演示", "Asia/Shanghai", "zh-CN", "EUR")
    assert config.database_url == f"sqlite:///{tmp_path}/data/crm.db"
    assert config.enabled == ("tabular", "abc")
    assert config.plugin_dirs == (tmp_path / "my_plugins",)
    assert config.plugin_settings == {"abc": {"since": "2026-01-31"}}
    assert config.schemas == tmp_path / "schemas"
    rights = EntityRights(create=True, update="owner = me", hide=["credit_limit"], fixed=["owner"])
    rules = {"customer": rights, "*": EntityRights(read=True)}
    assert config.roles == {"sales": Role(name="sales", title="Sales", grants=["abc.run"], rules=rules)}


def test_an_empty_file_is_a_configuration_of_defaults(crm_toml, tmp_path):
    config = read_config(crm_toml(""))

    assert (config.name, config.timezone, config.language, config.currency) == (tmp_path.name, "UTC", "en", "CNY")
    assert config.database_url == f"sqlite:///{tmp_path}/crm.db"
    assert (config.enabled, config.plugin_dirs, config.roles, config.schemas) == ((), (), {}, None)


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "sqlite:////var/crm.db", "sqlite:///file:crm?mode=memory&uri=true",
     "postgresql://u:p@host/crm", "postgresql+psycopg:///crm"],
)  # fmt: skip
def test_only_a_relative_sqlite_file_is_looked_for_beside_the_configuration(crm_toml, url):
    assert read_config(crm_toml(f'[database]\nurl = "{url}"')).database_url == url


def test_options_of_a_relative_sqlite_file_are_kept(crm_toml, tmp_path):
    config = read_config(crm_toml('[database]\nurl = "sqlite:///crm.db?timeout=5"'))

    assert config.database_url == f"sqlite:///{tmp_path}/crm.db?timeout=5"


def test_a_file_with_byte_order_mark_and_windows_line_ends_is_read_with_the_right_lines(tmp_path):
    path = tmp_path / "crm.toml"
    path.write_bytes(b'\xef\xbb\xbf[instance]\r\nname = "x"\r\ncurency = "CNY"\r\n')

    [problem] = refused(path)

    assert (problem.line, problem.pointer) == (3, "instance.curency")


def test_every_mistake_is_reported_at_once_with_file_line_key_and_what_was_meant(crm_toml):
    path = crm_toml(
        """\
        [instnce]
        name = "x"
        [database]
        url = 5
        [plugins]
        enabled = ["abc", 7, "Tab"]
        plugin_dir = []
        [roles.sales.customer]
        reed = true
        update = 1
        [roles.admin]
        title = "x"
        [roles.Boss]
        """
    )

    problems = refused(path)

    assert [(problem.line, problem.pointer, problem.hint) for problem in problems] == [
        (1, "instnce", "Did you mean `instance`?"),
        (4, "database.url", None),
        (6, "plugins.enabled[1]", None),
        (6, "plugins.enabled[2]", None),
        (7, "plugins.plugin_dir", None),
        (9, "roles.sales.customer.reed", "Did you mean `read`?"),
        (10, "roles.sales.customer.update", None),
        (11, "roles.admin", None),
        (13, "roles.Boss", None),
    ]
    assert all(problem.file == path for problem in problems)
    assert str(problems[1]) == (f'{path}:4 database.url: expected a database such as "sqlite:///crm.db", found 5')


def test_names_that_need_quotes_are_quoted_in_messages(crm_toml):
    [problem] = refused(crm_toml('[roles.sales."*"]\n"my read" = true\n'))

    assert problem.pointer == 'roles.sales."*"."my read"'


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("[instance]\nname = x\n", 2, 8),
        ('[instance]\nname = "x"\nname = "y"\n', 3, 11),
        ('a = """never closed\n\n', 2, None),
        ("[plugins\n", 1, 9),
    ],
)
def test_a_file_that_is_not_toml_is_refused_with_line_and_column(crm_toml, text, line, column):
    [problem] = refused(crm_toml(text))

    assert (problem.code, problem.line, problem.column) == ("toml", line, column)


def test_a_file_that_is_not_there_says_what_makes_one(tmp_path):
    [problem] = refused(tmp_path / "crm.toml")

    assert "crmcore init" in problem.hint


def test_a_file_that_is_not_utf_8_or_no_file_is_refused(tmp_path):
    (tmp_path / "crm.toml").write_bytes('name = "客户"'.encode("gb18030"))

    assert refused(tmp_path / "crm.toml")[0].code == "unreadable"
    assert refused(tmp_path)[0].code == "unreadable"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Asia/Shangai", "Did you mean `Asia/Shanghai`?"),
        ("asia/shanghai", "Did you mean `Asia/Shanghai`?"),
        ("../etc/passwd", 'Write for instance "Asia/Shanghai".'),
        ("Asia", None),
        ("", None),
    ],
)
def test_a_time_zone_that_does_not_exist_is_refused(crm_toml, name, hint):
    [problem] = refused(crm_toml(f'[instance]\ntimezone = "{name}"'))

    assert (problem.line, problem.pointer) == (2, "instance.timezone")
    assert hint is None or problem.hint == hint


@pytest.mark.parametrize(("key", "value"), [("language", "zh_CN"), ("currency", "RMB¥"), ("currency", "cny")])
def test_a_language_or_currency_that_cannot_be_is_refused(crm_toml, key, value):
    [problem] = refused(crm_toml(f'[instance]\n{key} = "{value}"'))

    assert problem.pointer == f"instance.{key}"


LABELS = (
    'expected a table of values and conditions such as { A = "annual_revenue >= 1000000", B = "annual_revenue > 0" }'
)


@pytest.mark.parametrize(
    ("written", "pointer", "said"),
    [
        ('labels = ["A", "B"]', "labels", f'{LABELS}, found ["A", "B"]'),
        ('labels = "A"', "labels", f'{LABELS}, found "A"'),
        ("labels = 3", "labels", f"{LABELS}, found 3"),
        ("labels = { A = 3 }", "labels.A", 'expected a condition such as "annual_revenue >= 1000000", found 3'),
        ("labels = { A = { x = 1 } }", "labels.A", 'expected a condition such as "annual_revenue >= 1000000", found {'),
        ('rank = "staff"', "rank", 'expected a table such as { by = "annual_revenue", bands = { A = 0.2, B = 1.0 } }'),
        ("expression = [1]", "expression", 'expected a calculation such as "annual_revenue * 0.1", found [1]'),
    ],
)
def test_a_rule_of_the_wrong_shape_says_what_to_write(crm_toml, written, pointer, said):
    [problem] = refused(crm_toml(f'[scoring.size]\nentity = "customer"\nfield = "size"\n{written}'))

    assert (problem.line, problem.pointer) == (4, f"scoring.size.{pointer}")
    assert problem.message.startswith(said)


@pytest.mark.parametrize("table", ["scoring", "metrics"])
def test_rules_and_metrics_have_tables_with_names(crm_toml, table):
    [problem] = refused(crm_toml(f'[[{table}]]\nfield = "size"'))
    assert f"each a table [{table}.NAME] of its own" in problem.message
    [problem] = refused(crm_toml(f'[{table}]\nsize = "big"'))
    assert (problem.line, problem.pointer) == (2, f"{table}.size")
    assert f"a table [{table}.NAME] with entity," in problem.message


def test_a_plugin_that_is_enabled_twice_is_pointed_at(crm_toml):
    [problem] = refused(crm_toml('[plugins]\nenabled = [\n"abc",\n"tabular",\n"abc",\n]'))

    assert (problem.line, problem.pointer) == (5, "plugins.enabled[2]")


def test_a_plugin_folder_that_is_not_there_is_pointed_at(crm_toml, tmp_path):
    [problem] = refused(crm_toml('[plugins]\nplugin_dirs = ["mine"]'))

    assert str(tmp_path / "mine") in problem.message
    assert (problem.line, problem.pointer) == (2, "plugins.plugin_dirs[0]")


def test_secrets_come_from_the_environment_also_deep_in_settings(crm_toml):
    path = crm_toml(
        """
        [database]
        url = "env:CRM_URL"
        [plugins.mail]
        server = {password = "env:MAIL_PASSWORD", hosts = ["a", "env:HOST"]}
        """
    )
    environment = {"CRM_URL": "postgresql://u:hunter2@h/crm", "MAIL_PASSWORD": "hunter3", "HOST": "b"}

    config = read_config(path, environment)

    assert config.database_url == "postgresql://u:hunter2@h/crm"
    assert config.plugin_settings["mail"]["server"] == {"password": "hunter3", "hosts": ["a", "b"]}
    assert config.written_settings["mail"]["server"]["password"] == "env:MAIL_PASSWORD"
    assert "hunter" not in repr(config)


@pytest.mark.parametrize("environment", [{}, {"CRM_URL": ""}])
def test_a_secret_that_is_not_set_is_named(crm_toml, environment):
    [problem] = refused(crm_toml('[database]\nurl = "env:CRM_URL"'), environment)

    assert problem.message == "the environment variable CRM_URL is not set"
    assert (problem.line, problem.pointer) == (2, "database.url")


def test_a_relative_sqlite_file_from_the_environment_is_looked_for_beside_the_configuration(crm_toml, tmp_path):
    config = read_config(crm_toml('[database]\nurl = "env:U"'), {"U": "sqlite:///x.db"})

    assert config.database_url == f"sqlite:///{tmp_path}/x.db"


def test_a_database_that_is_not_known_is_refused_without_showing_the_url(crm_toml):
    [problem] = refused(crm_toml('[database]\nurl = "env:U"'), {"U": "mysql://u:hunter2@h/crm"})

    assert problem.pointer == "database.url"
    assert "hunter2" not in str(problem)


def test_numbers_that_json_does_not_have_are_refused_where_a_table_wants_numbers(crm_toml):
    [problem] = refused(crm_toml("[roles.sales.customer]\nread = inf"))

    assert problem.line == 2


def test_what_is_sound_of_a_wrong_file_can_be_used(crm_toml):
    config, problems = examine(crm_toml('[instance]\nnmae = "x"\n[plugins]\nenabled = ["abc"]'), {})

    assert config is not None
    assert config.enabled == ("abc",)
    assert [problem.pointer for problem in problems] == ["instance.nmae"]


def test_a_configuration_made_in_code_is_judged_too():
    assert Config(enabled=["abc"], timezone="Europe/Berlin").enabled == ("abc",)
    with pytest.raises(ConfigError, match="Asia/Shanghai"):
        Config(timezone="Asia/Shangai")
    with pytest.raises(ConfigError, match="there is no currency"):
        Config(currency="yuan")


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("RMB", 'Write "CNY".'),
        ("人民币", 'Write "CNY".'),
        ("cny", 'Write "CNY".'),
        ("€", 'Write "EUR".'),
        ("$", "ISO 4217 has them: CNY, EUR, USD."),
        ("XYZ", "ISO 4217 has them: CNY, EUR, USD."),
    ],
)
def test_what_is_no_currency_is_refused_with_what_is_meant(crm_toml, code, hint):
    [problem] = refused(crm_toml(f'[instance]\ncurrency = "{code}"'))
    assert (problem.line, problem.pointer, problem.hint) == (2, "instance.currency", hint)


def test_the_version_is_that_of_the_distribution():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))

    assert project["project"].get("version", __version__) == __version__


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#" * 1_000_001, "it has more than 1,000,000 bytes"),
        ("a." * 100_000 + "b = 1", "it is nested too deeply"),
        ("[" + "'a' . " * 40 + "b]", "it is nested too deeply"),
        ("x = { " + "a." * 40 + "b = 1 }", "it is nested too deeply"),
        ("x = " + "[" * 40 + "]" * 40, "it is nested too deeply"),
        ("x = " + "[" * 200_000, "it is nested too deeply"),
        ("x = " + "9" * 5_000, "a number has too many digits"),
    ],
)
def test_a_file_beyond_anything_that_people_write_is_refused_at_once(crm_toml, text, reason):
    (problem,) = refused(crm_toml(text))

    assert problem.message == f"cannot be read: {reason}"


@pytest.mark.parametrize("text", ['[instance]\nname = "' + "a." * 40 + '"', "[instance] # " + "a." * 40])
def test_points_in_texts_and_comments_are_no_nesting(crm_toml, text):
    assert read_config(crm_toml(text)).language == "en"


@pytest.mark.parametrize("name", ["x" * 5_000, "~nobody-of-this-name/x", "a\\u0000b"])
def test_a_folder_of_plugins_that_no_file_system_has_is_named(crm_toml, name):
    (problem,) = refused(crm_toml(f'[plugins]\nplugin_dirs = ["{name}"]'))

    assert problem.message.startswith("there is no folder ")


def test_a_time_zone_of_very_many_points_is_none(crm_toml):
    (problem,) = refused(crm_toml('[instance]\ntimezone = "' + "." * 2_000 + '"'))

    assert problem.message.startswith("there is no time zone ")


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(tmp_path):
    path = tmp_path / "crm.toml"
    path.write_bytes('[instance]\nname = "演示"\n'.encode("gb18030"))
    [problem] = examine(path)[1]
    assert "line 2 is not UTF-8: save the file in that encoding" in problem.message


def test_a_chinese_name_without_quotation_marks_is_told_to_have_some(crm_toml):
    [problem] = refused(crm_toml("[metrics.visits]\n客户 = 1\n"))
    assert (problem.line, problem.column) == (2, 1)
    assert problem.hint is not None
    assert "stand in quotation marks" in problem.hint
