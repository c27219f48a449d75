"""The lint finds ImageNet's known faults, and says nothing about a clean label set."""

from itertools import combinations

import pytest

from imagesets.labels.imagenet import ClassEntry, imagenet_classes
from imagesets.labels.lint import lint

OF_NAMES = ("same name", "synonym", "nearly the same name", "contained name")


def rules_of_two(a: str, b: str) -> list[str]:
    """What is found in a set of two labels of these names."""
    two = [ClassEntry("a", (a,), "one thing"), ClassEntry("b", (b,), "another")]
    return [finding.rule for finding in lint(two)]


def keys_of(labels, rule: str) -> set[tuple[str, ...]]:
    names = {label.key: label.names[0] for label in labels}
    return {
        tuple(sorted(names[key] for key in finding.keys))
        for finding in lint(labels)
        if finding.rule == rule
    }


def test_the_known_faults_of_imagenet():
    classes = imagenet_classes()
    assert {("crane", "crane"), ("maillot", "maillot")} <= keys_of(classes, "same name")
    assert ("sunglass", "sunglasses") in keys_of(classes, "nearly the same name")
    assert ("missile", "projectile") in keys_of(classes, "synonym")
    assert ("academic gown", "gown") in keys_of(classes, "contained name")


@pytest.mark.parametrize(
    "same",
    [
        ["jelly fish", "jellyfish", "jelly-fish", "Jelly Fishes", "jellyfishes", "jelly\u200bfish"],
        ["bus", "buses", "ｂｕｓ"],
        ["puppy", "puppies"],
        ["cookie", "cookies"],
        ["wolf", "wolves"],
        ["knife", "knives"],
        ["axe", "axes"],
        ["axis", "axes"],
        ["tomato", "tomatoes"],
        ["lens", "lenses"],
        ["fireman", "firemen"],
        ["mouse", "mice"],
        ["cactus", "cacti"],
        ["sports car", "sport cars"],
        ["sports car", "sportscars"],
        ["U.S.A.", "USA"],
        ["iPhone 5", "iphone5"],
        ["men's", "men\u2019s", "mens"],
        ["1-5", "1\u20135"],
    ],
)
def test_names_that_are_nearly_the_same(same):
    for a, b in combinations(same, 2):
        assert rules_of_two(a, b) == ["nearly the same name"], (a, b)
    labels = [ClassEntry(str(i), (name,), f"{i}") for i, name in enumerate(same)]
    assert [len(finding.keys) for finding in lint(labels)] == [len(same)]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("!!!", "???"),
        ("'", "`"),
        ("C", "C#"),
        ("C++", "C#"),
        ("15", "1-5"),
        ("1.5", "1-5"),
        ("5", "-5"),
        ("1 10", "11 0"),
        ("prince", "princess"),
        ("princes", "princesses"),
        ("caddie", "caddy"),
        ("cafe", "caves"),
        ("dolman", "dolmen"),
        ("taxi", "taxus"),
        ("किताब", "कतब"),
    ],
)
def test_names_that_only_seem_alike(a, b):
    assert rules_of_two(a, b) == []
    assert rules_of_two("Model S", "models") == ["contained name"]  # of a model


def test_names_in_other_unicode_forms_are_the_same():
    assert rules_of_two("caf\u00e9", "Cafe\u0301") == ["same name"]
    assert rules_of_two("???", "???") == ["same name"]


def test_two_labels_are_found_alone_as_among_a_thousand():
    classes = imagenet_classes()
    whole = [finding for finding in lint(classes) if finding.rule in OF_NAMES]
    findings = {(finding.rule, finding.keys) for finding in lint(reversed(classes))}
    assert {(finding.rule, finding.keys) for finding in whole} <= findings
    keys = sorted({key for finding in whole for key in finding.keys})[::3]
    for two in combinations([entry for entry in classes if entry.key in keys], 2):
        for finding in lint(two):
            assert any(
                broader.rule == finding.rule and set(finding.keys) <= set(broader.keys)
                for broader in whole
            ), finding


def test_labels_with_one_fault_are_one_finding():
    many = [ClassEntry(f"{i:04}", ("thing",), "a thing", ("https://w/Thing",)) for i in range(2000)]
    many += [ClassEntry(f"x{i}", (f"w{i}x thing",), f"thing {i}") for i in range(2000)]
    same, contained, article, definition = lint(many)
    assert same.text == "2,000 labels are named 'thing'"
    assert article.text.endswith("'thing' and 1,995 more: https://w/Thing")
    assert contained.text.endswith("'w4x thing' and 1,995 more")
    assert len(contained.keys) == 4000
    for finding in (same, article, definition):
        assert finding.keys == tuple(f"{i:04}" for i in range(2000))
    several = [("crane",), ("crane",), ("heron", "crane"), ("stork", "Cranes")]
    findings = lint(ClassEntry(str(i), names, f"{i}") for i, names in enumerate(several))
    assert [(f.rule, f.keys, f.text) for f in findings] == [
        ("same name", ("0", "1"), "both are named 'crane'"),
        ("synonym", ("0", "1", "2"), "'crane' names 3 labels: 'crane', 'crane', 'heron'"),
        ("nearly the same name", ("0", "1", "2", "3"), "'crane' and 'Cranes'"),
    ]


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("http://en.wikipedia.org/wiki/Caf%C3%A9_(food)", True),
        ("https://en.m.wikipedia.org/wiki/Café_(food)", True),
        ("https://EN.wikipedia.org/wiki/caf%c3%a9%20(food)", True),
        ("https://en.wikipedia.org/wiki/Café (food)", True),
        ("https://en.wikipedia.org/wiki/Cafe\u0301_(food)#History", True),
        ("https://en.wikipedia.org/wiki/Café_(food)/?wprov=sfla1", True),
        ("https://en.wikipedia.org/w/index.php?title=Caf%C3%A9_(food)&oldid=7", True),
        ("https://fr.wikipedia.org/wiki/Café_(food)", False),
        ("https://en.wikipedia.org/wiki/Café_(Food)", False),
        ("https://en.wikipedia.org/wiki/Caf%E9_(food)", False),
        ("https://[broken", False),
    ],
)
def test_one_article_at_several_addresses(address, same):
    plain = "https://en.wikipedia.org/wiki/Café_(food)"
    labels = [ClassEntry("a", ("cafe",), "x", (plain,)), ClassEntry("b", ("bar",), "y", (address,))]
    assert [(f.rule, f.text) for f in lint(labels)] == (
        [("shared article", f"'cafe', 'bar': {plain}")] if same else []
    )


def test_other_sites_addresses_keep_what_they_ask_for():
    sites = [("https://w/a?b=1",), ("https://w/a?b=2",), ("http://W/a/?b=2", "https://w/a?b=2")]
    labels = [ClassEntry(str(i), (f"w{i}x",), f"{i}", site) for i, site in enumerate(sites)]
    assert [finding.keys for finding in lint(labels)] == [("1", "2")]


def test_shared_articles_and_missing_definitions():
    labels = [
        ClassEntry("a", ("tabby",), "a cat", ("https://w/Tabby",)),
        ClassEntry("b", ("ginger",), "", ("https://w/Tabby",)),
    ]
    assert [(f.rule, f.keys) for f in lint(labels)] == [
        ("shared article", ("a", "b")),
        ("no definition", ("b",)),
    ]


def test_a_clean_set_has_no_findings():
    clean = [ClassEntry("a", ("cat",), "a cat"), ClassEntry("b", ("category",), "a class")]
    assert lint(clean) == []
    assert lint([]) == []
