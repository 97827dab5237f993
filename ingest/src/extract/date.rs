//! Writes instants as RFC 3339, for formats that count seconds or days.
//!
//! The calendar is the Gregorian one in UTC. Reads no text.

/// Seconds of a day.
const DAY_SECONDS: i64 = 86_400;

/// Returns an instant, in seconds since 1970, as `2025-02-03T09:00:00Z`.
pub(super) fn rfc3339(seconds: i64) -> String {
    let (year, month, day) = civil(seconds.div_euclid(DAY_SECONDS));
    let rest = seconds.rem_euclid(DAY_SECONDS);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Returns year, month and day of a day counted from 1970.
///
/// Counts in eras of 400 years that begin in March, so that a leap day ends its year.
pub(super) fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Steps of 100 nanoseconds in a second, and seconds from 1601 to 1970.
const STEPS: u64 = 10_000_000;
const EPOCH_SECONDS: u64 = 11_644_473_600;

/// Writes a Windows time, in steps from 1601, as RFC 3339 in UTC; `None` for zero and times before 1970.
pub(super) fn of_windows(steps: u64) -> Option<String> {
    let seconds = (steps / STEPS).checked_sub(EPOCH_SECONDS).filter(|seconds| *seconds > 0)?;
    Some(rfc3339(i64::try_from(seconds).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_fall_on_their_dates_in_leap_years_too() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(civil(-25_567), (1900, 1, 1));
        assert_eq!(rfc3339(1_738_573_200), "2025-02-03T09:00:00Z");
    }
}
