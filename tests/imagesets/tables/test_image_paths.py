"""A path that is no key means an image where it fits that one alone; else the nearest is named."""

import pytest

from imagesets.tables.image_paths import ImagePaths, NoImage

KEYS = {"img0.jpg", "sub/img1.jpg", "sub/Ä b.JPEG", "deep/er/img0.jpg"}


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("img0.jpg", "img0.jpg"),
        ("./img0.jpg", "img0.jpg"),
        ("/img0.jpg", "img0.jpg"),
        ("sub\\img1.jpg", "sub/img1.jpg"),
        ("images/img0.jpg", "img0.jpg"),
        ("../images/sub//img1.jpg", "sub/img1.jpg"),
        ("/home/me/images/deep/er/img0.jpg", "deep/er/img0.jpg"),
        ("C:\\Users\\me\\images\\sub\\img1.jpg", "sub/img1.jpg"),
        ("file:///data/images/img0.jpg", "img0.jpg"),
        ("https://x.org/images/sub/%C3%84%20b.JPEG?size=2", "sub/Ä b.JPEG"),
        ("s3://bucket/images/sub/img1.jpg", "sub/img1.jpg"),
        ("img1.jpg", "sub/img1.jpg"),
        ("er/img0.jpg", "deep/er/img0.jpg"),
        ("IMG0.JPG", "img0.jpg"),
        ("sub/img1.jpeg", "sub/img1.jpg"),
        ("A\u0308 b.jpg", "sub/Ä b.JPEG"),
        ("img1", "sub/img1.jpg"),
    ],
)
def test_a_path_that_fits_one_image_means_it_and_is_counted(path, key):
    paths = ImagePaths(KEYS)
    assert paths.key(path) == paths.key(path) == key
    assert paths.note().startswith("1 path that is no key was taken") == (path != key)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("sub/img2.jpg", "the nearest is 'sub/img1.jpg'"),
        ("other/img7.png", "path below the images' folder, with slashes"),
        ("img0.png", "the nearest is 'img0.jpg'"),
    ],
)
def test_a_path_that_fits_none_is_told_the_nearest_key_and_what_keys_are(path, says):
    with pytest.raises(NoImage, match=says):
        ImagePaths(KEYS).key(path)


def test_a_path_that_fits_several_images_and_two_paths_for_one_image_are_refused():
    with pytest.raises(NoImage, match=r"'i\.jpg' fits several images"):
        ImagePaths({"a/i.jpg", "b/i.jpg"}).key("i.jpg")
    with pytest.raises(NoImage, match=r"fits several images"):  # by more than the key i.jpg
        ImagePaths({"i.jpg", "a/b/i.jpg"}).key("x/b/i.jpg")
    paths = ImagePaths({"i.jpg"})
    assert paths.key("train/i.jpg") == "i.jpg"
    for path in ("val/i.jpg", "i.jpg"):
        with pytest.raises(NoImage, match=r"and 'train/i\.jpg' would both be image 'i\.jpg'"):
            paths.key(path)
