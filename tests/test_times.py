"""Times of every kind become the right instants: zones, summer time, offsets, formats."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger, read_ledger


def read(times: list[object], **options: object) -> Ledger:
    frame = pl.DataFrame({"order": range(len(times)), "time": times})
    return read_ledger(frame, **options)


def at(text: str) -> datetime:
    """Give a time without a zone."""
    return datetime.fromisoformat(text)


def instants(ledger: Ledger) -> list[str]:
    """Give the instants of all orders, by order id."""
    return [str(at)[:16] for at in ledger.orders().sort("order")["time"].dt.replace_time_zone(None)]


def test_a_naive_time_is_local() -> None:
    ledger = read([at("2024-01-01 23:30"), at("2024-07-01 00:30")], timezone="Europe/London")
    assert instants(ledger) == ["2024-01-01 23:30", "2024-06-30 23:30"]
    assert ledger.orders().sort("order")["day"].to_list() == [date(2024, 1, 1), date(2024, 7, 1)]
    assert (ledger.first_day, ledger.last_day, ledger.end) == (
        date(2024, 1, 1),
        date(2024, 7, 1),
        date(2024, 7, 2),
    )


def test_the_hour_that_summer_time_leaves_out() -> None:
    # On 2024-03-31 London clocks went from 01:00 to 02:00.
    ledger = read([at("2024-03-31 00:59"), at("2024-03-31 01:30")], timezone="Europe/London")
    assert instants(ledger) == ["2024-03-31 00:59", "2024-03-31 01:30"]
    assert ledger.quality.rows("time left out by the change to summer time") == 1


def test_the_hour_that_comes_twice_is_the_first() -> None:
    # On 2024-10-27 London clocks went from 02:00 summer time back to 01:00.
    ledger = read([at("2024-10-27 01:30"), at("2024-10-27 02:30")], timezone="Europe/London")
    assert instants(ledger) == ["2024-10-27 00:30", "2024-10-27 02:30"]


def test_a_day_that_has_no_midnight() -> None:
    # In Sao Paulo summer time began at midnight: 2017-10-15 started at 01:00.
    ledger = read([date(2017, 10, 15)], timezone="America/Sao_Paulo")
    assert instants(ledger) == ["2017-10-15 03:00"]
    assert ledger.first_day == date(2017, 10, 15)


def test_offsets_of_their_own_win_over_the_zone() -> None:
    times = [
        "2024-01-01T12:00:00+01:00",
        "2024-01-01T12:00:00Z",
        "2024-01-01 12:00:00",
        "2024-01-01 12:00:00.5-0500",
    ]
    ledger = read(times, timezone="Asia/Tokyo")
    assert instants(ledger) == [
        "2024-01-01 11:00",
        "2024-01-01 12:00",
        "2024-01-01 03:00",
        "2024-01-01 17:00",
    ]
    assert ledger.quality.rows("time with an offset of its own") == 3


def test_a_zone_is_needed_only_by_times_without_one() -> None:
    with pytest.raises(SchemaError, match=r"column 'time' holds times without a zone: pass timezone="):
        read(["2024-01-01 12:00:00"])
    with pytest.raises(SchemaError, match=r"column 'time' holds times without a zone"):
        read([date(2024, 1, 1)])
    assert read(["2024-01-01T12:00:00Z"]).timezone == "UTC"
    assert read([datetime(2024, 1, 1, tzinfo=UTC)]).n_orders == 1


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-31 12:05:00",
        "2024-01-31T12:05:00",
        "2024-01-31T12:05:00.000",
        "2024-01-31 12:05",
        "2024/01/31 12:05:00",
        "31.01.2024 12:05:00",
        "31.01.2024 12:05",
        "31/01/2024 12:05",
        "01/31/2024 12:05",
        " 2024-01-31 12:05:00 ",
    ],
)
def test_formats_that_are_found(text: str) -> None:
    assert instants(read([text], timezone="UTC")) == ["2024-01-31 12:05"]


@pytest.mark.parametrize(
    "text", ["2024-01-31", "2024/01/31", "20240131", "31.01.2024", "31/01/2024", "1/31/2024"]
)
def test_days_that_are_found(text: str) -> None:
    assert instants(read([text], timezone="UTC")) == ["2024-01-31 00:00"]


def test_day_or_month_first_is_a_question() -> None:
    with pytest.raises(
        SchemaError, match=r"as '%d/%m/%Y' and as '%m/%d/%Y', first where '03/04/2024' stands"
    ):
        read(["03/04/2024", "05/06/2024"], timezone="UTC")
    assert instants(read(["03/04/2024", "25/06/2024"], timezone="UTC"))[0] == "2024-04-03 00:00"
    assert instants(read(["03/04/2024"], timezone="UTC", date_format="%m/%d/%Y")) == ["2024-03-04 00:00"]


def test_a_format_of_ones_own() -> None:
    assert instants(read(["3-Apr-24"], timezone="UTC", date_format="%d-%b-%y")) == ["2024-04-03 00:00"]
    with pytest.raises(ParameterError, match=r"date_format='%d-%b-%y %Hh': .*both hour and minute"):
        read(["3-Apr-24 18h"], timezone="UTC", date_format="%d-%b-%y %Hh")


def test_a_missing_time_is_set_aside() -> None:
    ledger = read(["2024-01-31", None, ""], timezone="UTC")
    assert ledger.quality.rows("no time") == 2
    assert read([None], timezone="UTC").n_orders == 0


def test_a_dump_without_times_says_so() -> None:
    ledger = read_ledger(pl.DataFrame({"order": [1, 1, 2], "item": ["a", "b", "a"]}))
    assert ledger.quality.rows("no column for time, placed at 1970-01-01") == 3


def test_a_wrong_unit_of_time_is_told() -> None:
    far = pl.Series([2**62]).cast(pl.Datetime("us", "UTC"))
    with pytest.raises(SchemaError, match=r"outside of the years 1 to 9999: check the unit"):
        read_ledger(pl.DataFrame({"order": [1], "time": far}))
