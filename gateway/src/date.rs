//! Calendar dates from time stamps, in UTC. Leaves out time zones: a business date that is not the UTC
//! date is named by ops.

const NANOS_A_DAY: u64 = 86_400_000_000_000;

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
        }
    }
}
