//! Calendar months between days that are numbered from 1 January 1970 on.

/// The same day `months` later; the last day of that month if it has no such day.
pub(super) fn later(day: i32, months: u32) -> i32 {
    let (year, month, of_month) = civil(i64::from(day));
    let months = year * 12 + month + i64::from(months);
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    let first = number(year, month);
    let length = number(year + (month + 1) / 12, (month + 1) % 12) - first;
    i32::try_from(first + of_month.min(length - 1)).unwrap_or(i32::MAX)
}

/// Year, month from 0 and day of the month from 0, by the calendar of eras of 400 years that begin in March (Hinnant, 2013).
fn civil(day: i64) -> (i64, i64, i64) {
    let (era, of_era) = ((day + 719_468).div_euclid(146_097), (day + 719_468).rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    (era * 400 + year + month / 10, (month + 2) % 12, of_year - (153 * month + 2) / 5)
}

/// The number of the first day of a month.
fn number(year: i64, month: i64) -> i64 {
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_by_counting_days() {
        // One day after the other from 1 January 1970 on, and from there back.
        let length = |year: i64, month: i64| match month {
            1 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            1 => 28,
            3 | 5 | 8 | 10 => 30,
            _ => 31,
        };
        let (mut year, mut month, mut of_month) = (1970, 0, 0);
        for day in 0..200_000 {
            assert_eq!(civil(day), (year, month, of_month));
            assert_eq!(number(year, month) + of_month, day);
            of_month += 1;
            if of_month == length(year, month) {
                (year, month, of_month) = if month == 11 { (year + 1, 0, 0) } else { (year, month + 1, 0) };
            }
        }
        (year, month, of_month) = (1970, 0, 0);
        for day in (-200_000..0).rev() {
            if of_month == 0 {
                (year, month) = if month == 0 { (year - 1, 11) } else { (year, month - 1) };
                of_month = length(year, month);
            }
            of_month -= 1;
            assert_eq!(civil(day), (year, month, of_month));
        }
    }

    #[test]
    fn a_month_ends_on_its_last_day() {
        let day = |year: i64, month: i64, of_month: i64| (number(year, month - 1) + of_month - 1) as i32;
        assert_eq!(day(1970, 1, 1), 0);
        assert_eq!(later(day(2023, 1, 31), 1), day(2023, 2, 28));
        assert_eq!(later(day(2024, 1, 31), 1), day(2024, 2, 29));
        assert_eq!(later(day(2024, 2, 29), 12), day(2025, 2, 28));
        assert_eq!(later(day(2024, 11, 30), 3), day(2025, 2, 28));
        assert_eq!(later(day(2024, 3, 15), 0), day(2024, 3, 15));
        assert_eq!(later(day(1969, 12, 31), 2), day(1970, 2, 28));
        assert_eq!(later(0, u32::MAX), i32::MAX);
    }
}
