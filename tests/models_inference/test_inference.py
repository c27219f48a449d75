"""Inference predicts each image once, keeps its work, and reports what it could not do."""

import copy
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from django.db import connection
from PIL import Image as Picture

from models_inference.chunks import CHUNK
from models_inference.errors import InferenceError
from models_inference.inference import pipeline, run
from models_inference.inference.run import predict
from models_inference.jobs import predictions_done
from models_inference.models import Prediction, SkippedImage
from models_inference.networks import network
from models_inference.networks.devices import choose_device
from models_inference.networks.network import load, placed, timm_network
from models_inference.networks.timm_import import timm
from models_inference.predictions.logits import keep_logits, read
from tests.factories import add_images, make_imagenet_dataset


@pytest.fixture
def dataset(db, pictures):
    made = make_imagenet_dataset()
    add_images(made, pictures)
    return made


def test_one_decode_feeds_all_classifiers(dataset, tiny, monkeypatch):
    opened = []
    real = pipeline.open_rgb
    monkeypatch.setattr(pipeline, "open_rgb", lambda path: opened.append(path) or real(path))
    classifiers = [
        tiny(dataset, "a"),
        tiny(dataset, "b", input={"input_size": [3, 64, 64]}),
        tiny(dataset, "c", input={"mean": [0.1, 0.2, 0.3]}),
    ]
    shown = []
    outcome = predict(dataset, classifiers, "cpu", lambda done, total: shown.append((done, total)))
    assert outcome.written == 36
    assert len(opened) == len(set(opened)) == 12
    assert shown == sorted(shown)
    assert shown[-1] == (36, 36)
    assert predictions_done(dataset, classifiers) == (36, 36)


def test_a_second_run_changes_nothing_and_does_only_what_is_new(dataset, tiny, pictures, tmp_path):
    classifiers = [tiny(dataset, "a"), tiny(dataset, "b")]
    last = dataset.images.last()
    last.delete()
    predict(dataset, classifiers, "cpu")
    before = list(Prediction.objects.order_by("id").values())
    assert predict(dataset, classifiers, "cpu").written == 0
    add_images(dataset, [file for file in pictures if file.name == last.key])
    classifiers.append(tiny(dataset, "c"))
    outcome = predict(dataset, classifiers, "cpu")
    assert (outcome.written, outcome.already) == (2 + 12, 22)
    assert list(Prediction.objects.order_by("id").values()[:22]) == before


def test_a_weights_file_that_was_replaced_is_refused_once_there_are_predictions(dataset, tiny):
    a, b, c = tiny(dataset, "a"), tiny(dataset, "b"), tiny(dataset, "c")
    Path(a.weights).write_bytes(Path(b.weights).read_bytes())
    predict(dataset, [a, b], "cpu")
    pairs = Prediction.objects.values_list("image", "scores")
    assert len({(image, *scores) for image, scores in pairs}) == 12
    Prediction.objects.filter(image=dataset.images.first()).delete()
    before = list(Prediction.objects.order_by("id").values())
    Path(a.weights).write_bytes(Path(c.weights).read_bytes())
    with pytest.raises(InferenceError, match="a of sample has predictions made with another file"):
        predict(dataset, [b, a], "cpu")
    assert list(Prediction.objects.order_by("id").values()) == before


def test_broken_and_changed_images_are_skipped_listed_and_tried_again(dataset, tiny, pictures):
    whole = pictures[3].read_bytes()
    pictures[3].write_bytes(pictures[4].read_bytes())
    for file in pictures[5:9]:
        file.unlink()
    cut = pictures[9].read_bytes()[:2000]
    pictures[9].write_bytes(cut)
    ninth = dataset.images.filter(key=pictures[9].name)
    ninth.update(sha256=hashlib.sha256(cut).hexdigest())
    classifiers = [tiny(dataset, "a"), tiny(dataset, "b")]
    outcome = predict(dataset, classifiers, "cpu")
    assert outcome.written == 12
    assert [key for key, _ in outcome.skipped] == [pictures[i].name for i in (3, 5, 6, 7, 8, 9)]
    assert "changed" in outcome.skipped[0][1]
    assert "truncated" in outcome.skipped[-1][1]
    assert predictions_done(dataset, classifiers) == (24, 24)
    outcome = predict(dataset, classifiers, "cpu")  # of what is left none can be read
    assert (outcome.written, len(outcome.skipped)) == (0, 6)
    pictures[3].write_bytes(whole)
    outcome = predict(dataset, classifiers, "cpu")
    assert outcome.written == 2
    assert SkippedImage.objects.count() == 5


@pytest.mark.parametrize("before", [0, 2, 10])
def test_a_missing_folder_is_one_error_not_a_list_of_skipped_images(db, tiny, pictures, before):
    """`before`: images whose ids are in the chunk before that of the rest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('imagesets_image', 'id'))")
        end = (cursor.fetchone()[0] // CHUNK + 1) * CHUNK - before
        cursor.execute("SELECT setval('imagesets_image_id_seq', %s, false)", [end])
    dataset = make_imagenet_dataset("gone")
    add_images(dataset, pictures)
    for file in pictures:
        file.unlink()
    with pytest.raises(InferenceError, match=r"None of \d+ images .*picture_00.jpg"):
        predict(dataset, [tiny(dataset)], "cpu")
    assert not SkippedImage.objects.exists()


def test_an_s3_that_fails_as_a_whole_is_an_error_not_a_list(dataset, tiny, bucket):
    dataset.images.filter(pk=dataset.images.last().pk).update(location="s3://no-such-bucket/a.jpg")
    with pytest.raises(InferenceError, match="no-such-bucket"):
        predict(dataset, [tiny(dataset)], "cpu")
    assert not SkippedImage.objects.exists()


def test_an_interrupted_chunk_is_done_whole_by_the_next_run(dataset, tiny, monkeypatch):
    classifiers = [tiny(dataset, "a"), tiny(dataset, "b")]
    real = run.store

    def stop(rows):
        real(rows)
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "store", stop)
    with pytest.raises(KeyboardInterrupt):
        predict(dataset, classifiers, "cpu")
    assert not Prediction.objects.exists()
    monkeypatch.setattr(run, "store", real)
    assert predict(dataset, classifiers, "cpu").written == 24


def test_classes_without_a_label_are_dropped_and_counted(db, pictures, tiny):
    keys = ["n01491361", "n02123045", "n02123159", "n07920052"]
    dataset = make_imagenet_dataset("few", keys)
    add_images(dataset, pictures[:3])
    outcome = predict(dataset, [tiny(dataset)], "cpu")
    assert outcome.dropped == {"tiny": 996}
    ids = set(dataset.labels.values_list("id", flat=True))
    for prediction in Prediction.objects.all():
        assert set(prediction.labels) == ids
        assert sum(prediction.scores) < 0.5  # shares of all 1,000 classes


def test_a_mapping_adds_up_classes_of_one_label(db, pictures, tiny):
    dataset = make_imagenet_dataset("mapped", ["n01491361", "n02123045"])
    add_images(dataset, pictures[:3])
    mapping = ["n02123045", None, "n01491361", "n02123045", "n0"]
    classifier = tiny(dataset, classes=5, mapping=mapping)
    outcome = predict(dataset, [classifier], "cpu")
    assert outcome.dropped == {"tiny": 2}
    network = load(classifier, choose_device("cpu"))
    shape = network.preprocessing.transform()
    ids = dict(dataset.labels.values_list("key", "id"))
    for prediction in Prediction.objects.select_related("image"):
        pixels = shape(pipeline.open_rgb(prediction.image.location))[None]
        shares = torch.softmax(network.logits(pixels), 1)[0].numpy()
        scores = dict(zip(prediction.labels, prediction.scores, strict=True))
        assert np.isclose(scores[ids["n02123045"]], shares[0] + shares[3], rtol=1e-4)
        assert np.isclose(scores[ids["n01491361"]], shares[2], rtol=1e-4)
        assert prediction.scores == sorted(prediction.scores, reverse=True)


def test_a_dataset_without_any_of_the_classes_is_an_error(db, pictures, tiny):
    dataset = make_imagenet_dataset("none", [])
    dataset.labels.create(key="dog", names=["dog"])
    add_images(dataset, pictures[:1])
    with pytest.raises(InferenceError, match=r"None of the 1000 classes .* give .* a mapping"):
        predict(dataset, [tiny(dataset)], "cpu")


IN_A_SCRIPT = "The following operation failed in the TorchScript interpreter.\nCUDA out of memory."


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError(IN_A_SCRIPT)]
)
def test_a_batch_that_does_not_fit_is_halved_until_it_does(dataset, tiny, error):
    network = load(tiny(dataset), choose_device("cpu"))
    network.batch = 8
    pixels = torch.randint(0, 256, (8, 3, 160, 160), dtype=torch.uint8)
    expected = network.logits(pixels)
    real, sizes = network.model, []

    class Small(torch.nn.Module):
        def __init__(self, largest):
            super().__init__()
            self.inner, self.largest = real, largest

        def forward(self, batch):
            sizes.append(len(batch))
            if len(batch) > self.largest:
                raise error
            return self.inner(batch)

    network.model = Small(3)
    assert torch.allclose(network.logits(pixels), expected, atol=1e-4)
    assert sizes == [8, 4, 2, 2, 2, 2]
    network.model = Small(0)
    with pytest.raises(InferenceError, match=r"does not fit in the memory"):
        network.logits(pixels)


def test_a_batch_that_another_thread_halved_meanwhile_is_tried_again(dataset, tiny):
    network = load(tiny(dataset), choose_device("cpu"))
    real, sizes = network.model, []

    def model(batch):
        sizes.append(len(batch))
        if len(batch) == 4:
            network.batch = 1  # another thread has found that not even two fit
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(batch)

    network.model = model
    assert len(network.logits(torch.zeros(4, 3, 64, 64, dtype=torch.uint8))) == 4
    assert sizes == [4, 2, 2]
    assert network.batch == 1


def test_a_network_that_does_not_fit_beside_the_others_is_named(dataset, tiny, monkeypatch):
    def build(classifier, device):
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(network, "build", build)
    with pytest.raises(InferenceError, match=r"tiny does not fit in the memory .* fewer of them"):
        load(tiny(dataset), choose_device("cpu"))


@pytest.mark.parametrize("name", ["cuda", "auto"])
def test_a_gpu_is_named_with_its_number_as_tensors_name_it(monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    assert choose_device(name) == torch.device("cuda:0")


def test_half_precision_answers_in_full(dataset, tiny):
    """bfloat16 has 8 bits: a thousand logits in it would tie by the dozen."""
    network, _ = timm_network(tiny(dataset, "half"))
    pictures = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        expected = network.eval()(pictures)
        outputs = placed(network, torch.device("cpu"), torch.bfloat16)(pictures.bfloat16())
    assert outputs.dtype == torch.float32
    assert len(outputs[0].unique()) > 990
    assert torch.allclose(outputs, expected, atol=0.05 * float(expected.abs().max()))


@pytest.mark.parametrize(
    "name", ["crossvit_tiny_240", "efficientvim_m1", "lambda_resnet26t", "test_efficientnet"]
)
def test_networks_with_odd_layers_answer_in_both_types(dataset, tiny, name):
    """A list of heads; weights of five dimensions, which have no channels last."""
    classifier = tiny(dataset, name, architecture=name)
    network, _ = timm_network(classifier)
    pictures = torch.randn(2, 3, *network.pretrained_cfg["input_size"][1:])
    with torch.inference_mode():
        expected = network.eval()(pictures)
        for dtype, off in ((torch.float32, 1e-3), (torch.bfloat16, 0.1)):
            model = placed(timm_network(classifier)[0], torch.device("cpu"), dtype)
            outputs = model(pictures.to(dtype, memory_format=torch.channels_last))
            assert outputs.dtype == torch.float32
            assert torch.allclose(outputs, expected, atol=off * float(expected.abs().max()))


class Fourier(torch.nn.Module):
    """There and back again; torch has no Fourier transform of bfloat16."""

    def forward(self, x):
        return torch.fft.irfft2(torch.fft.rfft2(x), s=x.shape[-2:])


def test_weights_lie_as_torch_itself_lays_them_channels_last():
    """Those of 1 x 1 pixels too, whose order tells torch by which code to add up."""
    made = timm().create_model("tf_efficientnet_lite0")
    theirs = copy.deepcopy(made).to(memory_format=torch.channels_last)
    ours = placed(made, torch.device("cpu"), torch.float32)
    for (name, mine), tensor in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert mine.stride() == tensor.stride(), name


def test_a_network_without_bfloat16_runs_in_float32_and_says_so_once(
    dataset, tiny, monkeypatch, caplog
):
    classifier = tiny(dataset)
    pixels = torch.randint(0, 256, (3, 3, 160, 160), dtype=torch.uint8)
    expected = load(classifier, choose_device("cpu")).logits(pixels)
    real = network.timm_network

    def odd(classifier):
        model, taken = real(classifier)
        model.conv_stem = torch.nn.Sequential(Fourier(), model.conv_stem)
        return model, taken

    monkeypatch.setitem(network.TYPE, "cpu", "bfloat16")
    assert load(classifier, choose_device("cpu")).dtype == torch.bfloat16
    assert not caplog.records
    monkeypatch.setattr(network, "timm_network", odd)
    loaded = load(classifier, choose_device("cpu"))
    assert torch.allclose(loaded.logits(pixels), expected, atol=1e-3)
    (outputs,) = caplog.messages
    assert outputs.startswith("Classifier tiny runs in float32, slower: Unsupported dtype BFloat16")


def test_an_input_size_that_a_network_cannot_take_is_refused_before_the_run(dataset, tiny):
    classifier = tiny(dataset, architecture="halonet26t", input={"input_size": [3, 200, 200]})
    with pytest.raises(InferenceError, match=r"tiny does not run on pictures of 200 x 200: "):
        load(classifier, choose_device("cpu"))
    smaller = tiny(dataset, "b", architecture="test_vit", input={"input_size": [3, 96, 96]})
    assert load(smaller, choose_device("cpu")).preprocessing.resizing.size == (96, 96)


def test_a_network_of_features_alone_is_no_classifier(dataset, monkeypatch):
    monkeypatch.setattr(
        network, "pretrained", lambda name: timm().create_model(name, num_classes=0)
    )
    fields = {"architecture": "test_resnet", "weights": "pretrained"}
    classifier = dataset.classifiers.create(name="features", **fields)
    with pytest.raises(InferenceError, match=r"features: test_resnet is a feature extractor"):
        load(classifier, choose_device("cpu"))


def test_a_network_that_answers_no_numbers_is_an_error_and_stores_nothing(dataset, tiny):
    classifier = tiny(dataset)
    state = torch.load(classifier.weights)
    state["classifier.bias"][7] = torch.nan
    torch.save(state, classifier.weights)
    with pytest.raises(InferenceError, match=r"tiny answers image picture_00\.jpg by logits"):
        predict(dataset, [classifier], "cpu")
    assert not Prediction.objects.exists()
    assert read(classifier) is None


def test_pictures_too_small_for_a_network_are_an_error_of_its_input(dataset, tiny):
    classifier = tiny(dataset, architecture="vgg11", classes=3, mapping=["n01440764"])
    classifier.input = {"input_size": [3, 17, 17]}
    classifier.save()
    with pytest.raises(InferenceError, match=r"tiny does not run on pictures of 17 x 17: .*small"):
        predict(dataset, [classifier], "cpu")


@pytest.mark.parametrize("mode", ["center", "border"])
def test_a_strip_of_one_pixel_stops_nobody(dataset, tiny, tmp_path, mode):
    """Resized whole, with its short side as high as the input, it would fill 12 GB."""
    file = tmp_path / "strip.png"
    Picture.new("RGB", (60_000, 1), "red").save(file)
    add_images(dataset, [file])
    outcome = predict(dataset, [tiny(dataset, input={"crop_mode": mode})], "cpu")
    assert outcome.written + len(outcome.skipped) == 13
    assert {key for key, _ in outcome.skipped} == ({"strip.png"} if mode == "border" else set())


def test_logits_of_other_weights_are_not_taken_for_its_own(dataset, tiny):
    """A run killed between logits and rows leaves logits; then its classifier is changed."""
    classifier = tiny(dataset)
    weights, classifier.weights = classifier.weights, "/a/mistake.pth"
    image = dataset.images.first()
    keep_logits(classifier, [image.id], np.zeros((1, 7)))
    classifier.weights = weights
    predict(dataset, [classifier], "cpu")
    images, logits = read(classifier)
    assert images.tolist() == sorted(dataset.images.values_list("id", flat=True))
    network = load(classifier, choose_device("cpu"))
    pixels = network.preprocessing.transform()(pipeline.open_rgb(image.location))[None]
    assert np.allclose(logits[images == image.id], network.logits(pixels), atol=0.01)
