"""Broken files, odd frames, wrong settings: each is refused with its place, its value and the mend."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from basketry.exceptions import SchemaError
from basketry.ledger import Ledger, read_ledger

HEAD = "customer,order,time,item,quantity,price\n"
GOOD = "00123,1,2024-01-02,tea,2,1.50\n"


def read(source: object, **options: object) -> Ledger:
    return read_ledger(source, timezone="UTC", **options)


def refusal(source: object, **options: object) -> str:
    with pytest.raises(SchemaError) as caught:
        read(source, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def write(tmp_path: Path):
    def write(content: str | bytes, name: str = "dump.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize("content", ["", "\n", " \n\n"])
def test_an_empty_file(content: str, write) -> None:
    assert refusal(write(content)).endswith("dump.csv is empty: a header line is needed.")


def test_a_header_and_no_row(write) -> None:
    for content in (HEAD, HEAD.strip()):
        ledger = read(write(content))
        assert (ledger.n_customers, ledger.quality.totals["rows_in"]) == (0, 0)


def test_text_that_is_not_utf8(write) -> None:
    path = write((HEAD + GOOD * 3 + GOOD.replace("tea", "thé")).encode("latin-1"))
    text = refusal(path)
    assert text.startswith(f"{path} cannot be read: line 5 is not written in utf8, it holds b'\\xe9'")
    assert "pass encoding='latin-1'" in text
    assert read(path, encoding="latin-1").items()["item"].to_list() == ["tea", "thé"]
    assert read(path, encoding="utf8-lossy").items()["item"].to_list() == ["tea", "th\ufffd"]


def test_a_line_with_too_many_fields(write) -> None:
    text = refusal(write(HEAD + GOOD + "1,2,2024-01-02,tea,2,1.5,9,9\n" + GOOD))
    assert "dump.csv cannot be read: line 3 has 8 fields and the header has 6: mend the line" in text


def test_a_line_with_too_few_fields_is_set_aside(write) -> None:
    ledger = read(write(HEAD + GOOD + "1,2,2024-01-02\n"))
    assert ledger.quality.rows("no quantity") == 1
    assert ledger.n_lines == 1


def test_a_quote_that_stays_open(write) -> None:
    text = refusal(write(HEAD + GOOD + '1,2,2024-01-02,"tea,2,1.5\n' + GOOD * 10))
    assert "dump.csv cannot be read: in line 3 a quote is opened that is not closed well" in text


def test_a_late_change_of_type(write) -> None:
    path = write(HEAD + GOOD * 30_000 + "1,2,2024-01-02,tea,two,1.5\n" + GOOD)
    assert refusal(path) == (
        "column 'quantity' holds text, a number is needed for 'quantity'. 1 of 30,002 values does not parse, "
        "first at row 30,001: 'two'. Pass decimal=',' if the comma is the decimal mark, or on_bad_rows='drop'."
    )
    assert read(path, on_bad_rows="drop").quality.rows("quantity does not parse") == 1


def test_the_file_of_a_bad_row_is_named(write) -> None:
    one, two = write(HEAD + GOOD, "a.csv"), write(HEAD + GOOD + GOOD.replace("1.50", "1,50", 1), "b.csv")
    two.write_text(HEAD + GOOD + GOOD.replace("1.50", "abc"))
    assert f"first at row 3: 'abc' in {two}, row 2" in refusal([one, two])


def test_a_header_that_names_a_column_twice(write) -> None:
    text = refusal(write("customer,time,order,time\n1,2024-01-01,1,2024-01-02\n"))
    assert "dump.csv: the header names 'time' twice, as columns [2, 4]: rename one of them." in text


def parquet(tmp_path: Path) -> bytes:
    frame = pl.DataFrame({"customer": range(2000), "time": [date(2024, 1, 1)] * 2000, "order": range(2000)})
    frame.write_parquet(tmp_path / "good.parquet")
    return (tmp_path / "good.parquet").read_bytes()


@pytest.mark.parametrize("damage", ["empty", "text", "half", "no end", "body", "footer"])
def test_damaged_parquet(damage: str, write, tmp_path: Path) -> None:
    held = parquet(tmp_path)
    content = {
        "empty": b"",
        "text": b"customer,time\n",
        "half": held[: len(held) // 2],
        "no end": held[:-1],
        "body": held[:4] + b"\xff" * 60 + held[64:],
        "footer": held[:-200] + b"\xff" * 100 + held[-100:],
    }[damage]
    path = write(content, "dump.parquet")
    text = refusal(path)
    assert text.startswith(f"{path} cannot be read: ")
    assert text.endswith("the file is damaged or was not written to its end, export it again.")


def test_the_broken_table_of_a_shop_is_named(tmp_path: Path, write) -> None:
    write("id,customer,time\n1,ann,2024-01-01\n2,bob,2024-01-02,9,9\n", "orders.csv")
    write("order,item,price\n1,tea,1.5\n2,tea,1.5\n", "lines.csv")
    assert f"{tmp_path / 'orders.csv'} cannot be read: line 3 has 5 fields and the header has 3" in refusal(
        tmp_path
    )


def test_what_is_not_there(tmp_path: Path, write) -> None:
    assert refusal(tmp_path / "no.csv") == f"{tmp_path / 'no.csv'} does not exist: check the path."
    assert refusal(tmp_path / "no*.csv").startswith(f"no file matches '{tmp_path / 'no*.csv'}'")
    assert refusal(tmp_path).startswith(f"{tmp_path} holds no csv or parquet file")
    assert "has an unknown ending: .parquet, .csv, .tsv, .txt are read." in refusal(write("x", "dump.xlsx"))


def test_files_that_do_not_belong_together(write) -> None:
    one, two = write(HEAD + GOOD, "a.csv"), write("customer,time\n1,2024-01-01\n", "b.csv")
    assert refusal([one, two]).startswith(f"{two} lacks the column 'order' that {one} has")
    day = [date(2024, 1, 1)]
    numbers, texts = ({"customer": ids, "time": day} for ids in ([1], ["a"]))
    text = refusal([pl.DataFrame(numbers), pl.DataFrame(texts)])
    assert text.startswith(
        "the frame: column 'customer' holds text in one part of the input and integers before"
    )


DAY = pl.DataFrame({"customer": [1, 2], "time": [date(2024, 1, 1)] * 2, "amount": [1.0, 2.5]})


def test_columns_that_are_not_there() -> None:
    assert refusal(DAY, columns={"customer": "custmer", "time": "time"}) == (
        "column 'custmer' is mapped to 'customer', and the data have no such column; did you mean 'customer'? "
        "Found: 'customer', 'time', 'amount'."
    )
    assert refusal(DAY, measures={"margin": "amont"}).startswith("column 'amont' is mapped to 'margin'")
    assert refusal(DAY.select("time")).startswith(
        "no column for 'customer' or 'order' was found: pass columns="
    )
    assert refusal(pl.DataFrame()).endswith("Found: no column at all.")


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("customer", [1.0, 2.0], "holds floats (17850.0 instead of 17850): pass float_ids=True"),
        ("customer", [True, False], "holds Boolean: ids are texts or whole numbers."),
        ("customer", [date(2024, 1, 1)] * 2, "holds Date: ids are texts or whole numbers."),
        ("customer", [[1], [2]], "holds List(Int64): ids are texts or whole numbers."),
        ("time", [1, 2], "holds Int64: a date, a datetime or a text is needed."),
        ("amount", [True, False], "holds Boolean: a number is needed."),
        ("amount", [date(2024, 1, 1)] * 2, "holds Date: a number is needed."),
    ],
)
def test_columns_of_the_wrong_type(column: str, values: list, said: str) -> None:
    text = refusal(DAY.with_columns(pl.Series(column, values)))
    assert text == f"column {column!r} is mapped to {column!r} and {said}" or text.startswith(
        f"column {column!r} is mapped to {column!r} and {said}"
    )


def test_ids_beyond_64_bits_and_ids_with_fractions() -> None:
    text = refusal(DAY.with_columns(customer=pl.Series([2**63 + 5, 1], dtype=pl.UInt64)))
    assert (
        "1 of 2 values does not parse, first at row 1: 9223372036854775813. Ids are texts, or whole" in text
    )
    text = refusal(DAY.with_columns(customer=pl.Series([1.0, 17850.5])), float_ids=True)
    assert "column 'customer' holds what is no id" in text
    assert "first at row 2: 17850.5." in text


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), float("-inf"), 1e300])
def test_amounts_that_are_none(value: float | None) -> None:
    ledger = read(DAY.with_columns(amount=pl.Series([value, 2.5])))
    assert ledger.quality.rows("no amount") == 1
    assert ledger.quality.totals["amount"] == 2.5
    assert ledger.customers()["customer"].to_list() == [2]


def test_dates_that_do_not_parse(write) -> None:
    assert refusal(write(HEAD + GOOD * 17 + GOOD.replace("2024-01-02", "2011-13-01"))) == (
        "column 'time' holds text, a date is needed for 'time'. 1 of 18 values does not parse, first at row 18: "
        "'2011-13-01'. Pass date_format=, or on_bad_rows='drop'."
    )
    text = refusal(write(HEAD + GOOD.replace("2024-01-02", "soon")))
    assert "'soon' is in no known format: pass date_format=" in text


def test_several_currencies() -> None:
    rows = pl.concat([DAY, DAY[:1]]).with_columns(currency=pl.Series(["EUR", "USD", "EUR"]))
    for source in (rows, rows.lazy(), rows.to_arrow()):
        assert refusal(source) == (
            "column 'currency' holds several currencies: EUR (2 rows), USD (1 rows). "
            "Pass currency= with the one to read."
        )


def test_related_tables_that_do_not_fit(tmp_path: Path) -> None:
    lines = pl.DataFrame({"order": [1, 2, 3], "item": ["tea", "cup", "tea"], "price": [1.0, 2.0, 3.0]})
    orders = pl.DataFrame(
        {"id": [1, 2, 2], "customer": ["ann", "bob", "cid"], "time": [date(2024, 1, 1)] * 3}
    )
    assert refusal({"lines": lines, "orders": orders}) == (
        "the frame: 'id' is the key of orders, and 2 has 2 different rows: keep one of them."
    )
    ledger = read({"lines": lines, "orders": orders[[0, 1, 0]]})
    assert ledger.quality.rows("order not in the orders table") == 1
    assert ledger.n_lines == 2
    assert "no common key of lines and orders was found" in refusal(
        {"lines": lines, "orders": orders.rename({"id": "x"})}
    )
    text = refusal({"lines": lines, "orders": orders}, keys={"orders": ("ordr", "id")})
    assert (
        "column 'ordr' is mapped to 'key of orders', and the data have no such column; did you mean 'order'?"
        in text
    )
    text = refusal({"lines": lines, "orders": orders[:2].cast({"id": pl.String})})
    assert text.startswith("the frame cannot be read: datatypes of join keys don't match")
