"""Every row of a data set is a pair as written, or is refused by name."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixlip_widgets import InputError
from fixlip_widgets.corpus.data_sets import data_set
from fixlip_widgets.corpus.pairs import rows_of
from fixlip_widgets.evaluation.records import Records, Settings
from tests.corpus.test_pairs import png, refusals, write_tar


def captions(rows):
    return [row.read().caption for row in rows]


def test_a_caption_that_is_not_utf8_is_refused_and_others_are_read(tmp_path):
    (tmp_path / "set.csv").write_bytes("image,caption\na.png,un café\nb.png,a dog\n".encode("latin-1"))
    rows = rows_of(tmp_path / "set.csv")
    assert refusals(rows) == {"row 2": "The row is not valid UTF-8; save the file as UTF-8."}
    assert captions(rows[1:]) == ["a dog"]


def test_a_row_with_more_cells_than_the_header_is_refused(tmp_path):
    (tmp_path / "set.csv").write_text("image,caption\na.png,a dog, a cat\nb.png,a cow\n", "utf-8")
    rows = rows_of(tmp_path / "set.csv")
    assert list(refusals(rows)) == ["row 2"]
    assert captions(rows[1:]) == ["a cow"]


def test_a_quote_that_never_ends_is_refused(tmp_path):
    (tmp_path / "set.csv").write_text('image,caption\na.png,a cow\nb.png,"a dog\nc.png,a cat\n', "utf-8")
    rows = rows_of(tmp_path / "set.csv")
    assert captions(rows[:1]) == ["a cow"]
    assert list(refusals(rows)) == ["row 3 to 4"]


def test_a_column_twice_is_refused(tmp_path):
    (tmp_path / "set.csv").write_text("image,caption,caption\na.png,a dog,a cat\n", "utf-8")
    with pytest.raises(InputError, match="more than one column caption"):
        rows_of(tmp_path / "set.csv")


def test_lines_of_a_text_file_are_several_rows(tmp_path):
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "a.txt").write_text("a dog\n\na brown dog\n", "utf-8")
    rows = rows_of(tmp_path)
    assert [row.name for row in rows] == ["a.png, caption 1", "a.png, caption 2"]
    assert captions(rows) == ["a dog", "a brown dog"]


def test_captions_of_a_sample_are_several_rows_and_a_repeated_key_keeps_both_samples(tmp_path):
    write_tar(tmp_path / "set.tar", {"1.png": png(), "1.json": json.dumps({"caption": ["a dog", "a cat"]}).encode()})
    assert captions(rows_of(tmp_path / "set.tar")) == ["a dog", "a cat"]


def _tar(path, members):
    import tarfile

    with tarfile.open(path, "w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def test_a_key_twice_is_two_samples(tmp_path):
    _tar(tmp_path / "set.tar", [("1.png", png()), ("1.txt", b"a dog"), ("1.png", png((0, 0, 9))), ("1.txt", b"a cat")])
    rows = rows_of(tmp_path / "set.tar")
    assert [row.name for row in rows] == ["1", "1, sample 2"]
    assert captions(rows) == ["a dog", "a cat"]
    assert [row.read().image.getpixel((0, 0)) for row in rows] == [(200, 30, 30), (0, 0, 9)]


def test_a_key_twice_with_other_members_is_refused(tmp_path):
    _tar(tmp_path / "set.tar", [("1.png", png()), ("1.png", png()), ("1.txt", b"a dog")])
    assert list(refusals(rows_of(tmp_path / "set.tar"))) == ["1", "1, sample 2"]


@pytest.mark.parametrize("kind", ["tsv", "jsonl", "parquet"])
def test_other_tables_and_columns_are_read(tmp_path, kind):
    import pandas as pd

    table = pd.DataFrame({"file": ["a.png", "b.png"], "text": ["a dog, a cat", 'a "big" dog']})
    path = tmp_path / f"set.{kind}"
    if kind == "tsv":
        path.write_text('file\ttext\na.png\ta dog, a cat\nb.png\ta "big" dog\n', "utf-8")
    elif kind == "jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        table.to_parquet(path)
    rows = rows_of(path, columns=("file", "text"))
    assert captions(rows) == list(table["text"])
    assert [row.read().image for row in rows] == [tmp_path / "a.png", tmp_path / "b.png"]


def test_rows_of_json_lines_without_a_usable_caption_are_refused(tmp_path):
    lines = ['{"image": "a.png", "caption": 3}', "{", '{"image": "a.png"}', '{"image": "a.png", "caption": []}']
    lines += ['{"image": "a.png", "caption": ["a dog", null]}']
    (tmp_path / "set.jsonl").write_text("\n".join(lines), "utf-8")
    rows = rows_of(tmp_path / "set.jsonl")
    assert list(refusals(rows)) == ["row 1", "row 2", "row 3", "row 4", "row 5, caption 2"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=5))
def test_captions_of_a_csv_are_read_as_written(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("set") / "set.csv"
    stream = io.StringIO()
    csv.writer(stream).writerows([("image", "caption"), *(("a.png", text) for text in texts)])
    path.write_bytes(stream.getvalue().encode())
    rows = rows_of(path)
    assert len(rows) == len(texts)
    for row, text in zip(rows, texts, strict=True):
        if text.strip():
            assert row.read().caption == text.strip()
        else:
            with pytest.raises(InputError, match="empty"):
                row.read()


def test_a_row_with_fewer_cells_than_the_header_is_refused(tmp_path):
    (tmp_path / "set.csv").write_text("image,caption\na.png,a dog\nand a cat\nb.png,a cow\n", "utf-8")
    rows = rows_of(tmp_path / "set.csv")
    assert list(refusals(rows)) == ["row 3"]
    assert captions([rows[0], rows[2]]) == ["a dog", "a cow"]


def test_an_open_quote_of_a_tab_separated_file_is_refused_and_inner_quotes_are_text(tmp_path):
    (tmp_path / "set.tsv").write_text('image\tcaption\na.png\ta "dog"\nb.png\t"a dog\nc.png\ta cat\n', "utf-8")
    rows = rows_of(tmp_path / "set.tsv")
    assert captions(rows[:1]) == ['a "dog"']
    assert list(refusals(rows)) == ["row 3 to 4"]


def test_a_json_object_with_a_key_twice_is_refused(tmp_path):
    (tmp_path / "set.jsonl").write_text(
        '{"image": "a.png", "caption": "a dog", "caption": "a cat"}\n{"image": "b.png", "caption": "a cow"}\n', "utf-8"
    )
    rows = rows_of(tmp_path / "set.jsonl")
    assert list(refusals(rows)) == ["row 1"]
    assert captions(rows[1:]) == ["a cow"]
    write_tar(tmp_path / "set.tar", {"1.png": png(), "1.json": b'{"caption": "a dog", "caption": "a cat"}'})
    assert list(refusals(rows_of(tmp_path / "set.tar"))) == ["1"]


@pytest.mark.parametrize("name", ["set.csv", "set.jsonl"])
def test_a_caption_that_was_decoded_wrongly_before_is_refused(tmp_path, name):
    row = {"image": "a.png", "caption": "un caf\ufffd"}
    text = json.dumps(row) if name.endswith("jsonl") else "\n".join([",".join(row), ",".join(row.values())])
    (tmp_path / name).write_text(text, "utf-8")
    (reason,) = refusals(rows_of(tmp_path / name)).values()
    assert "U+FFFD" in reason


def test_a_table_in_utf16_is_read_by_its_byte_order_mark(tmp_path):
    (tmp_path / "set.tsv").write_text("image\tcaption\na.png\tun café\n", "utf-16")
    assert captions(rows_of(tmp_path / "set.tsv")) == ["un café"]
    whole = (tmp_path / "set.tsv").read_bytes()
    (tmp_path / "set.tsv").write_bytes(whole[:-1])
    with pytest.raises(InputError, match="utf-16"):
        rows_of(tmp_path / "set.tsv")


def test_rows_of_one_name_have_records_of_their_own(tmp_path):
    png_ = png()
    members = {"x.png": png_, "x.json": json.dumps({"caption": ["one", "two"]}).encode()}
    members |= {"x, caption 1.png": png_, "x, caption 1.txt": b"three", "y.png": png_, "y.txt": b"four"}
    write_tar(tmp_path / "set.tar", members)
    rows = rows_of(tmp_path / "set.tar")
    assert captions(rows) == ["one", "two", "three", "four"]
    assert [row.name for row in rows] == ["x, caption 1", "x, caption 2", "x, caption 1 (2)", "y"]
    records = Records(tmp_path / "out", Settings("set", "model", "0"))
    for row in rows:
        records.save(row.name, {"caption": row.read().caption})
    assert [record["caption"] for record in records.all(row.name for row in rows)] == captions(rows)


def test_a_quote_that_ends_in_another_row_of_a_tab_separated_file_is_refused(tmp_path):
    (tmp_path / "set.tsv").write_text('image\tcaption\na.png\t"a dog\nb.png\ta cat"\nc.png\ta cow\n', "utf-8")
    rows = rows_of(tmp_path / "set.tsv")
    assert len(refusals(rows)) == 1
    assert captions(rows[1:]) == ["a cow"]


@pytest.mark.parametrize("cut", ["header", "members", "joined"])
def test_the_end_of_a_tar_that_has_more_or_fewer_members_is_reported(tmp_path, cut):
    path = tmp_path / "set.tar"
    _tar(path, [("1.png", png()), ("1.txt", b"a dog"), ("2.png", png()), ("2.txt", b"a cat")])
    whole = path.read_bytes()
    assert captions(rows_of(path)) == ["a dog", "a cat"]
    path.write_bytes({"header": whole[: 4 * 512 + 100], "members": whole[: 4 * 512], "joined": whole * 2}[cut])
    rows = rows_of(path)
    assert captions(rows[:-1]) == (["a dog", "a cat"] if cut == "joined" else ["a dog"])
    assert list(refusals(rows)) == ["the end of set.tar"]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([("1.jpg", png()), ("1.png", png((0, 0, 9))), ("1.txt", b"a dog")], "several images"),
        ([("1.png", png()), ("1.txt", b"a dog"), ("1.json", b'{"caption": "a cat"}')], "different captions"),
        ([("1.png", png()), ("1.txt", "a dog".encode("utf-16-le"))], r"U\+0000"),
        ([("1.png", png()), ("1.json", b"[" * 100_000)], "not JSON"),
        ([("1.png", b"no image"), ("1.txt", b"a dog")], "in no format that Pillow knows"),
    ],
)
def test_samples_with_contradicting_or_damaged_members_are_refused(tmp_path, members, reason):
    _tar(tmp_path / "set.tar", members)
    (row,) = rows_of(tmp_path / "set.tar")
    with pytest.raises(InputError, match=reason):
        row.read()


def test_a_text_beside_metadata_that_agree_is_read(tmp_path):
    metadata = json.dumps({"caption": "a dog", "width": 40}).encode()
    _tar(tmp_path / "set.tar", [("1.PNG", png()), ("1.txt", b"a dog\n"), ("1.json", metadata), ("1.cls", b"3")])
    assert captions(rows_of(tmp_path / "set.tar")) == ["a dog"]


def test_a_compressed_tar_is_refused_with_advice(tmp_path):
    import gzip

    _tar(tmp_path / "set.tar", [("1.png", png()), ("1.txt", b"a dog")])
    (tmp_path / "set.tar").write_bytes(gzip.compress((tmp_path / "set.tar").read_bytes()))
    with pytest.raises(InputError, match="decompress"):
        rows_of(tmp_path / "set.tar")


def test_only_line_breaks_separate_the_captions_of_a_folder_and_hidden_files_are_ignored(tmp_path):
    (tmp_path / "a.JPG").write_bytes(png())
    (tmp_path / "a.txt").write_bytes("a\u2028dog\r\na \x0b cat\n".encode())
    (tmp_path / "._a.JPG").write_bytes(b"resource fork")
    assert captions(rows_of(tmp_path)) == ["a\u2028dog", "a \x0b cat"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"image": "https://example.org/a.png", "caption": "a dog"}, "download it"),
        ({"image": "a\0.png", "caption": "a dog"}, r"path .* U\+0000"),
        ({"image": "\ud83d.png", "caption": "a dog"}, "path .* surrogate"),
        ({"image": "a.png", "caption": "a dog \ud83d"}, "caption .* surrogate"),
        ({"image": ["a.png"], "caption": "a dog"}, "The image is a list"),
        ({"image": "a.png", "caption": {"en": "a dog"}}, "The caption is a dict"),
    ],
)
def test_cells_that_are_no_path_or_caption_are_refused(tmp_path, row, reason):
    (tmp_path / "set.jsonl").write_text(json.dumps(row) + "\n" + "[" * 100_000, "utf-8")
    (_, nested) = refusals(rows_of(tmp_path / "set.jsonl")).values()
    assert "not a JSON object" in nested
    with pytest.raises(InputError, match=reason):
        rows_of(tmp_path / "set.jsonl")[0].read()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-32"])
def test_a_table_in_another_encoding_is_refused(tmp_path, encoding):
    (tmp_path / "set.csv").write_bytes("image,caption\na.png,a dog\n".encode(encoding))
    with pytest.raises(InputError, match="Save it as UTF-8"):
        rows_of(tmp_path / "set.csv")


def test_images_and_captions_of_a_parquet_file_stay_together_across_row_groups(tmp_path):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pictures = [{"bytes": png((40 * number, 0, 0)), "path": "x.png"} for number in range(5)]
    table = pa.table({"image": [*pictures, None], "caption": [["0"], ["1", "one"], ["2"], None, ["4"], ["5"]]})
    parquet.write_table(table, tmp_path / "set.parquet", row_group_size=2)
    rows = rows_of(tmp_path / "set.parquet")
    assert list(refusals(rows)) == ["row 4", "row 6"]
    read = [row.read() for row in rows if row.name not in refusals(rows)]
    assert [(pair.image.getpixel((0, 0))[0], pair.caption) for pair in read] == [
        (0, "0"),
        (40, "1"),
        (40, "one"),
        (80, "2"),
        (160, "4"),
    ]


def test_binary_captions_of_a_parquet_file_are_refused(tmp_path):
    import pandas as pd

    pd.DataFrame({"image": [png()], "caption": [b"a dog"]}).to_parquet(tmp_path / "set.parquet")
    assert refusals(rows_of(tmp_path / "set.parquet")) == {"row 1": "The caption is a bytes, not text."}


def test_frames_are_read_by_position_whatever_their_index(tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"image": [png(), bytearray(png((0, 0, 9)))], "caption": ["a dog", "a cat"]}, index=[7, 7])
    pairs = [row.read() for row in data_set(frame).rows]
    assert [(pair.image.getpixel((0, 0)), pair.caption) for pair in pairs] == [
        ((200, 30, 30), "a dog"),
        ((0, 0, 9), "a cat"),
    ]
    with pytest.raises(InputError, match="more than one column caption"):
        data_set(pd.DataFrame([["a.png", "a dog", "a cat"]], columns=["image", "caption", "caption"]))
    with pytest.raises(InputError, match="smaller number first"):
        data_set(str(tmp_path / "{3..1}.tar"))
