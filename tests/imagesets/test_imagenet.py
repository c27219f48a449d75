"""The 1,000 classes, their order, and the eleven superclasses."""

import subprocess
import sys

from imagesets.labels.imagenet import imagenet_classes, superclass_of


def test_classes_stand_in_the_order_of_their_index():
    classes = imagenet_classes()
    assert len(classes) == 1000
    assert classes[0].names == ("tench", "Tinca tinca")
    assert classes[281].key == "n02123045"
    assert classes[999].names[0] == "toilet tissue"
    assert all(entry.definition for entry in classes)


def test_timm_is_not_imported():
    code = (
        "import sys; from imagesets.labels.imagenet import imagenet_classes; imagenet_classes();"
        "assert not {'timm', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_eleven_superclasses_cover_all_and_know_the_dogs():
    classes = imagenet_classes()
    assert len({entry.superclass for entry in classes}) == 11
    assert sum(entry.superclass == "dogs" for entry in classes) == 118
    named = {entry.names[0]: entry.superclass for entry in classes}
    assert named["timber wolf"] == "other mammals"
    assert named["sports car"] == "vehicles"
    assert named["Windsor tie"] == "clothes, covering"
    assert named["bolete"] == "food, plants, fungi"
    assert superclass_of("n99999999") == ""
