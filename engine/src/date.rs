//! Calendar dates from time stamps and back, in UTC. Leaves out time zones: a business date that is not
//! the UTC date is named by ops.

use toml::value::{Datetime, Offset};

const NANOS_A_DAY: u64 = 86_400_000_000_000;
const NANOS_A_MINUTE: i64 = 60_000_000_000;

/// Reads an RFC 3339 time with its offset, such as `2026-11-22T16:30:00Z`, into nanoseconds since the
/// Unix epoch; `None` if it is none, or before 1970.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let read: Datetime = text.trim().parse().ok()?;
    let (date, time, offset) = (read.date?, read.time?, read.offset?);
    let minutes = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let days = days(date.year.into(), date.month.into(), date.day.into())?;
    let seconds = u64::from(time.hour) * 3_600
        + u64::from(time.minute) * 60
        + u64::from(time.second.unwrap_or(0));
    let nanos = days
        .checked_mul(NANOS_A_DAY)?
        .checked_add(seconds * 1_000_000_000 + u64::from(time.nanosecond.unwrap_or(0)))?;
    u64::try_from(
        i64::try_from(nanos)
            .ok()?
            .checked_sub(minutes * NANOS_A_MINUTE)?,
    )
    .ok()
}

/// A time in nanoseconds since the Unix epoch as RFC 3339, to the second, in UTC.
#[must_use]
pub fn rfc3339(nanos: u64) -> String {
    let date = yyyymmdd(nanos);
    let second = nanos % NANOS_A_DAY / 1_000_000_000;
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!(
        "{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{:02}Z",
        date / 10_000,
        date / 100 % 100,
        date % 100,
        second % 60
    )
}

/// Whether a number is a day of the calendar as YYYYMMDD, from 1900 on.
#[must_use]
pub const fn is_date(date: u32) -> bool {
    let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    1_900 <= year && year <= 9_999 && 1 <= day && day <= days
}

/// Days from 1970-01-01 to a date, by the inverse of the algorithm below; `None` before 1970.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    // March is the first month of the shifted year.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year.checked_sub(1)?, month + 9)
    };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

/// The UTC date of a time in nanoseconds since the Unix epoch, as YYYYMMDD.
///
/// Howard Hinnant's algorithm for the proleptic Gregorian calendar, for days from 1970 on: years begin
/// on the 1st of March, so that the leap day is a year's last.
#[must_use]
pub fn yyyymmdd(nanos: u64) -> u32 {
    let days = nanos / NANOS_A_DAY + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    u32::try_from(year * 10_000 + month * 100 + day).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_days_and_turns_of_the_year_have_their_dates() {
        let table = [
            (0, 19_700_101),
            (58, 19_700_228),
            (59, 19_700_301),
            (11_016, 20_000_229),
            (20_453, 20_251_231),
            (20_454, 20_260_101),
            (47_541, 21_000_301),
        ];
        for (days, date) in table {
            assert_eq!(yyyymmdd(days * NANOS_A_DAY), date, "day {days}");
            assert_eq!(yyyymmdd(days * NANOS_A_DAY + NANOS_A_DAY - 1), date);
            let text = rfc3339(days * NANOS_A_DAY + 3_661_000_000_000);
            assert!(text.ends_with("T01:01:01Z"), "{text}");
            assert_eq!(
                parse_rfc3339(&text),
                Some(days * NANOS_A_DAY + 3_661_000_000_000)
            );
        }
    }

    #[test]
    fn a_date_is_a_day_of_the_calendar() {
        for date in [19_000_101, 20_240_229, 20_000_229, 20_261_130, 99_991_231] {
            assert!(is_date(date), "{date}");
        }
        for date in [
            0,
            18_991_231,
            20_261_131,
            20_260_229,
            21_000_229,
            20_261_301,
            20_260_010,
            20_261_100,
            100_000_101,
        ] {
            assert!(!is_date(date), "{date}");
        }
    }

    #[test]
    fn times_are_read_with_their_offset_and_without_one_not_at_all() {
        assert_eq!(
            parse_rfc3339("1970-01-01T02:00:00.5+02:00"),
            Some(500_000_000)
        );
        assert_eq!(
            parse_rfc3339("2026-11-22T16:30:00Z"),
            Some(1_795_365_000_000_000_000)
        );
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T16:30:00",
            "16:30:00Z",
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }
}
