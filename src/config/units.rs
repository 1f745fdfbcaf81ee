//! Sizes and times as people write them. It knows no setting.

use std::time::Duration;

const SIZE_UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// In milliseconds.
const TIME_UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads a size in bytes: `4096`, `640KiB`, `48MiB`, `1GiB`.
///
/// # Errors
/// What is wrong with the text and what to write instead.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let factor = match unit {
        "" => 1,
        unit => SIZE_UNITS
            .iter()
            .find_map(|&(name, factor)| (name == unit).then_some(factor))
            .ok_or("is not a size: write bytes, or a whole number of KiB, MiB or GiB")?,
    };
    let number: u64 = number.parse().map_err(|_| {
        "is not a size: write a whole number of bytes, KiB, MiB or GiB, such as 48MiB".to_owned()
    })?;
    number.checked_mul(factor).ok_or_else(|| "is larger than any size can be".to_owned())
}

/// Reads a time: `500ms`, `30s`, `15m`, `2h`, `90d`.
///
/// # Errors
/// What is wrong with the text and what to write instead.
pub fn parse_time(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let factor = TIME_UNITS
        .iter()
        .find_map(|&(name, factor)| (name == unit).then_some(factor))
        .ok_or("is not a time: write a whole number and ms, s, m, h or d, such as 30s")?;
    let number: u64 = number
        .parse()
        .map_err(|_| "is not a time: write a whole number and its unit, such as 30s".to_owned())?;
    let millis = number.checked_mul(factor).ok_or("is longer than any time can be")?;
    Ok(Duration::from_millis(millis))
}

/// The shortest text that [`parse_size`] reads as this size.
#[must_use]
pub fn format_size(bytes: u64) -> String {
    let unit = SIZE_UNITS.iter().rev().find(|&&(_, unit)| bytes > 0 && bytes.is_multiple_of(unit));
    match unit {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None => bytes.to_string(),
    }
}

/// The shortest text that [`parse_time`] reads as this time, to the millisecond.
#[must_use]
pub fn format_time(time: Duration) -> String {
    let millis = time.as_millis();
    let unit = TIME_UNITS
        .iter()
        .rev()
        .find(|&&(_, unit)| millis > 0 && millis.is_multiple_of(u128::from(unit)));
    match unit {
        Some(&(name, unit)) => format!("{}{name}", millis / u128::from(unit)),
        None => format!("{}s", millis / 1000),
    }
}

fn split(text: &str) -> (&str, &str) {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    (number, unit.trim_start())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{format_size, format_time, parse_size, parse_time};

    #[test]
    fn sizes_are_bytes_or_binary_units() {
        assert_eq!(parse_size("4096"), Ok(4096));
        assert_eq!(parse_size("640KiB"), Ok(655_360));
        assert_eq!(parse_size("48 MiB"), Ok(50_331_648));
        assert_eq!(parse_size("1GiB"), Ok(1_073_741_824));
    }

    #[test]
    fn decimal_units_fractions_and_signs_are_no_sizes() {
        for text in ["48MB", "48mib", "1.5GiB", "-1", "MiB", "", "1 GiB x"] {
            assert!(parse_size(text).unwrap_err().starts_with("is not a size"), "{text}");
        }
        assert!(parse_size("18446744073709551615GiB").unwrap_err().contains("larger"));
        assert!(parse_size("99999999999999999999").unwrap_err().starts_with("is not a size"));
    }

    #[test]
    fn times_have_a_unit() {
        assert_eq!(parse_time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_time("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_time("15m"), Ok(Duration::from_mins(15)));
        assert_eq!(parse_time("2h"), Ok(Duration::from_hours(2)));
        assert_eq!(parse_time("90d"), Ok(Duration::from_hours(2160)));
    }

    #[test]
    fn a_bare_number_or_an_unknown_unit_is_no_time() {
        for text in ["30", "1w", "1h30m", "-5s", "s", ""] {
            assert!(parse_time(text).unwrap_err().starts_with("is not a time"), "{text}");
        }
        assert!(parse_time("18446744073709551615d").unwrap_err().contains("longer"));
    }

    proptest! {
        #[test]
        fn every_size_is_read_back_as_it_was_written(bytes: u64) {
            prop_assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
        }

        #[test]
        fn every_time_is_read_back_as_it_was_written(millis: u64) {
            let time = Duration::from_millis(millis);
            prop_assert_eq!(parse_time(&format_time(time)), Ok(time));
        }
    }
}
