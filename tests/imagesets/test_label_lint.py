"""The lint finds ImageNet's known faults, and says nothing about a clean label set."""

from imagesets.imagenet import ClassEntry, imagenet_classes
from imagesets.label_lint import lint


def found(labels, rule: str) -> set[tuple[str, ...]]:
    names = {label.key: label.names[0] for label in labels}
    return {
        tuple(sorted(names[key] for key in finding.keys))
        for finding in lint(labels)
        if finding.rule == rule
    }


def test_the_known_faults_of_imagenet():
    classes = imagenet_classes()
    assert {("crane", "crane"), ("maillot", "maillot")} <= found(classes, "same name")
    assert ("sunglass", "sunglasses") in found(classes, "nearly the same name")
    assert ("missile", "projectile") in found(classes, "synonym")
    assert ("academic gown", "gown") in found(classes, "contained name")


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
