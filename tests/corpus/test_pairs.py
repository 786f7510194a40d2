"""Sets of pairs: the supported formats, and the reason reported for every unusable row."""

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from fixlip_widgets import InputError
from fixlip_widgets.corpus.pairs import rows_of


def png(colour=(200, 30, 30)):
    stream = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(stream, "PNG")
    return stream.getvalue()


def refusals(rows):
    """Return name → reason for the rows that cannot be read; the game opens their images later."""
    reasons = {}
    for row in rows:
        try:
            row.read()
        except InputError as error:
            reasons[row.name] = str(error)
    return reasons


def write_tar(path, members):
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def test_demo_scenes_are_interleaved_and_reproducible():
    rows, more = rows_of("demo", 2, seed=5), rows_of("demo", 3, seed=5)
    pairs = [row.read() for row in rows]
    assert [pair.objects for pair in pairs] == [1, 2, 3, 4] * 2
    assert [row.name for row in more][:8] == [row.name for row in rows]
    assert len({row.name for row in more}) == 12
    again = more[3].read()
    assert again.caption == pairs[3].caption
    np.testing.assert_array_equal(np.asarray(again.image), np.asarray(pairs[3].image))
    assert rows_of("demo", 1, seed=6)[3].read().caption != again.caption
    assert all(set(pair.regions) == {word for word in pair.regions if word in pair.caption} for pair in pairs)


def test_a_folder_pairs_pictures_with_texts(tmp_path):
    for name, caption in (("a.png", "a dog\n"), ("b.png", " "), ("c.png", None), ("d.png", b"\xff\xfe\xff")):
        (tmp_path / name).write_bytes(png())
        if caption is not None:
            beside = (tmp_path / name).with_suffix(".txt")
            beside.write_bytes(caption if isinstance(caption, bytes) else caption.encode())
    (tmp_path / "notes.md").write_text("not a picture")
    rows = rows_of(tmp_path)
    assert [row.name for row in rows] == ["a.png", "b.png", "c.png", "d.png"]
    assert rows[0].read().caption == "a dog"
    assert rows[0].read().regions == {}
    why = refusals(rows)
    assert set(why) == {"b.png", "c.png", "d.png"}
    assert "empty" in why["b.png"]
    assert "c.txt" in why["c.png"]
    assert "UTF-8" in why["d.png"]


def test_a_csv_names_its_rows_by_line(tmp_path):
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "set.csv").write_text(
        'image,caption,note\na.png,"a dog, a cat",x\na.png,,x\n,a dog,x\na.png\n', "utf-8"
    )
    rows = rows_of(tmp_path / "set.csv")
    assert rows[0].read().image == tmp_path / "a.png"
    assert rows[0].read().caption == "a dog, a cat"
    why = refusals(rows)
    assert set(why) == {"row 3", "row 4", "row 5"}
    assert "empty" in why["row 3"]
    assert "no image" in why["row 4"]
    assert "1 cells, but the header has 3" in why["row 5"]


def test_a_csv_without_its_columns_is_rejected(tmp_path):
    (tmp_path / "set.csv").write_text("picture,caption\na.png,a dog\n")
    with pytest.raises(InputError, match="lacks the column image"):
        rows_of(tmp_path / "set.csv")


def test_a_webdataset_pairs_members_by_key(tmp_path):
    write_tar(
        tmp_path / "set.tar",
        {
            "x/1.png": png(),
            "x/1.txt": b"a dog",
            "2.PNG": png(),
            "2.json": json.dumps({"caption": "a cat"}).encode(),
            "3.png": png(),
            "4.txt": b"no picture",
            "5.png": b"no picture either",
            "5.txt": b"a dog",
            "6.png": png(),
            "6.json": b"{",
            "7.png": png(),
            "7.json": b'{"text": "a dog"}',
        },
    )
    rows = rows_of(tmp_path / "set.tar")
    assert [row.read().caption for row in rows[:2]] == ["a dog", "a cat"]
    assert rows[0].read().image.size == (40, 40)
    why = refusals(rows)
    assert set(why) == {"3", "4", "5", "6", "7"}
    assert "neither a .txt nor a .json" in why["3"]
    assert "no image" in why["4"]
    assert "cannot be read" in why["5"]
    assert "not JSON" in why["6"]
    assert 'no "caption"' in why["7"]


def test_complete_samples_of_a_truncated_tar_are_read(tmp_path):
    write_tar(tmp_path / "set.tar", {"1.png": png(), "1.txt": b"a dog", "2.png": png() * 50, "2.txt": b"a cat"})
    whole = (tmp_path / "set.tar").read_bytes()
    (tmp_path / "set.tar").write_bytes(whole[:3000])
    rows = rows_of(tmp_path / "set.tar")
    assert rows[0].read().caption == "a dog"
    assert any("truncated" in reason for reason in refusals(rows).values())


@pytest.mark.parametrize(("name", "content"), [("set.tar", b"no tar at all" * 100), ("set.zip", b""), ("none", None)])
def test_an_unsupported_set_is_rejected(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        rows_of(tmp_path / name)


def test_an_empty_folder_is_rejected(tmp_path):
    with pytest.raises(InputError, match="no pair"):
        rows_of(tmp_path)
