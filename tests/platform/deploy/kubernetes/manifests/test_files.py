"""Files reach their paths, of any size that fits, and nothing leaves the folder."""

from base64 import b64decode

import pytest

from octo_platform.deploy.kubernetes.manifests.files import PART, WHOLE, config_maps, volume
from octo_platform.deploy.target import Refused


def mounted(desired, cluster):
    """What a kubelet would put into the folder, path → content."""
    maps = {each["metadata"]["name"]: each for each in config_maps(desired, cluster, "r")}
    found = {}
    for source in volume(desired, "r")["projected"]["sources"]:
        content = maps[source["configMap"]["name"]]
        for item in source["configMap"]["items"]:
            text = content.get("data", {}).get(item["key"])
            found[item["path"]] = text.encode() if text is not None else b64decode(content["binaryData"][item["key"]])
    return found


@pytest.mark.parametrize(
    "files",
    [
        {"flows.yaml": b"flows: []\n"},
        {"flows.yaml": "grüße: 🐙\r\n\t".encode(), "templates/deep/mail.txt": b"", ".env": b"A=1", "a b.yaml": b"x"},
        {"image.png": bytes(range(256)), "bell.txt": b"\x07\x00", "latin.txt": "ä".encode("latin-1")},
        {f"{number}.bin": bytes(400_000) for number in range(9)},
        {"whole.bin": bytes(PART - 9)},
    ],
)
def test_each_file_is_at_its_path(desired, cluster, files):
    assert files == mounted(desired(files=files), cluster)


def test_each_part_fits_into_a_config_map_and_never_changes(desired, cluster):
    files = {f"{number}.bin": bytes(100_000 + number) for number in range(40)}

    for each in config_maps(desired(files=files), cluster, "r"):
        size = sum(len(b64decode(value)) for value in each["binaryData"].values())
        assert 0 < size < 1_048_576
        assert each["immutable"] is True


def test_the_order_of_files_does_not_matter(desired, cluster):
    one, other = {"a": b"1", "b": b"2"}, {"b": b"2", "a": b"1"}
    assert config_maps(desired(files=one), cluster, "r") == config_maps(desired(files=other), cluster, "r")


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "..data", "a/..x", "a//b", "./a", "", "a:b"])
def test_a_path_that_leaves_the_folder_is_refused(desired, cluster, path):
    with pytest.raises(Refused, match="no path"):
        config_maps(desired(files={path: b""}), cluster, "r")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"big.bin": bytes(PART)}, "'big.bin' has 900,000 bytes"),
        ({f"{number}": bytes(PART - 10) for number in range(9)}, f"at most {WHOLE:,}"),
        ({}, "no files"),
    ],
)
def test_what_does_not_fit_is_refused_and_says_why(desired, cluster, files, said):
    with pytest.raises(Refused, match=said):
        config_maps(desired(files=files), cluster, "r")
