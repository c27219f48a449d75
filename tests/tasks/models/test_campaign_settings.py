"""The settings are declared once: columns, API, admin's form and docs follow the declaration."""

import ast
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from annotation.api.serializers import CampaignSerializer
from tasks.models import Campaign, settings_table
from tasks.models.campaign_settings import RULES, SETTINGS, missing_to_publish
from tasks.models.setting_groups import CANDIDATES, PRACTICE
from tasks.models.setting_types import Default, Dollars, Number, Whole, broken_rules
from tests.factories import make_awkward_dataset

LEAST = {"name": "A study", "dataset": "tiny", "kind": "contains"}
DECLARATION = {  # each module, and what it imports
    "setting_types": set(),
    "setting_groups": {"setting_types"},
    "id_patterns": set(),
    "prolific_filters": set(),
    "crowd_setting_groups": {"setting_types", "id_patterns", "prolific_filters"},
    "asked_settings": {"setting_types", "setting_groups"},
    "crowd_settings": {"setting_types", "setting_groups", "crowd_setting_groups"},
    "text_settings": {"setting_types", "crowd_settings"},
    "campaign_settings": {"setting_types", "asked_settings", "crowd_settings", "text_settings"},
}
BOUNDED = [s for s in SETTINGS.values() if isinstance(s.type, Whole | Number | Dollars)]


@pytest.mark.parametrize("name", DECLARATION)
def test_the_declaration_imports_its_own_words_and_the_standard_library_alone(name):
    tree = ast.parse(Path(settings_table.__file__).with_name(f"{name}.py").read_text())
    names = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    names |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    beyond_the_library = {n for n in names if n.partition(".")[0] not in sys.stdlib_module_names}
    assert beyond_the_library == {f"tasks.models.{other}" for other in DECLARATION[name]}


def test_the_table_in_the_docs_is_the_declared_one():
    assert settings_table.TABLE.is_current(), (
        "bring it up to date: manage.py shell -c"
        " 'from tasks.models.settings_table import TABLE; TABLE.write()'"
    )


def test_every_setting_has_words_and_a_column_with_its_default():
    blank = Campaign()
    for name, setting in SETTINGS.items():
        assert setting.title, name
        assert setting.help.endswith("."), name
        if not isinstance(setting.default, Default):
            kept = None if setting.null_is_default else setting.default
            assert getattr(blank, name) == kept, name


@pytest.mark.parametrize("setting", BOUNDED, ids=lambda setting: setting.name)
def test_columns_hold_both_bounds_and_nothing_beyond(setting):
    column = Campaign._meta.get_field(setting.name)
    step = 1 if isinstance(setting.type, Whole) else Decimal("0.01")
    for value in (setting.type.least, setting.type.most):
        column.clean(value, None)
    for value in (setting.type.least - step, setting.type.most + step):
        with pytest.raises(ValidationError):
            column.clean(value, None)


@pytest.mark.django_db
def test_the_api_holds_the_same_bounds(tmp_path):
    make_awkward_dataset(tmp_path / "pictures")

    def refused(beyond: bool) -> set[str]:
        fields = {}
        for setting in BOUNDED:
            step = 1 if isinstance(setting.type, Whole) else Decimal("0.01")
            value = setting.type.most + beyond * step
            if isinstance(setting.type, Dollars):
                fields[setting.name] = f"{value:.2f}"
            else:
                fields[setting.name] = value if isinstance(value, int) else float(value)
        campaign = CampaignSerializer(data=LEAST | fields)
        campaign.is_valid()
        return set(campaign.errors)

    assert refused(beyond=False) == set()
    assert refused(beyond=True) == {setting.name for setting in BOUNDED}


def test_rules_name_the_setting_and_say_what_is_wrong():
    values = {"slug": "mine", "source": None, "kind": "contains", "controls": {"campaigns": []}}
    values |= {"practice": PRACTICE.defaults(), "exclude_workers_of": [], "only_workers_of": []}
    assert broken_rules(values, RULES) == []
    assert broken_rules(values | {"kind": "classify"}, RULES)[0][0] == "practice"
    values |= {"practice": None}
    wrong = values | {"source": "other", "controls": {"campaigns": ["mine"]}}
    assert [name for name, _ in broken_rules(wrong, RULES)] == ["source", "controls.campaigns"]
    alone = values | {"only_workers_of": ["first"]}
    assert broken_rules(alone, RULES) == []
    both = alone | {"exclude_workers_of": ["first"]}
    assert broken_rules(both, RULES)[0][0] == "exclude_workers_of"
    assert broken_rules(values | {"slug": ""}, RULES)[0][0] == "slug"
    assert broken_rules(wrong | {"kind": "classify"}, RULES)[0][0] == "controls.campaigns"
    agree = {"classifiers": ["first"], "k": 5, "min_models": 2}
    assert [name for name, _ in broken_rules(agree, CANDIDATES.rules)] == ["min_models"]
    assert broken_rules(agree | {"classifiers": None}, CANDIDATES.rules) == []
    assert missing_to_publish({"budget": None}, paid_crowd=True) == [("budget", "it has no budget")]
    assert missing_to_publish({"budget": None}, paid_crowd=False) == []
    assert missing_to_publish({"budget": Decimal(1)}, paid_crowd=True) == []
    given = {"budget": Decimal(1), "contact": None}
    lacking = missing_to_publish(given, paid_crowd=True, production=True)
    assert [name for name, _ in lacking] == ["contact"]
    given["contact"] = "ada@lab.example"
    assert missing_to_publish(given, paid_crowd=True, production=True) == []
