//! When something happened to one key, on whatever clock its source has, and what came first. It
//! knows no source.

use std::cmp::Ordering;

use super::Timestamp;

/// A point in the history of one key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Moment {
    /// Event time.
    pub at: Timestamp,
    /// Whether the clock shows whole seconds: it happened within the second from `at` on.
    pub is_coarse: bool,
    /// S3's own order of the events of one key: hexadecimal digits of any length.
    pub sequencer: Option<String>,
}

impl Moment {
    /// Which of two events of one key came first: by S3's sequencers when both have one, else by
    /// time. Sequencers are numbers, so the shorter one is padded with zeros on the left (text of
    /// 2026; that of 2023 said right, which native captures contradict).
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        match (&self.sequencer, &other.sequencer) {
            (Some(a), Some(b)) => number(a).cmp(&number(b)),
            _ => self.at.cmp(&other.at),
        }
    }

    /// The last millisecond at which it may have happened.
    #[must_use]
    pub const fn latest(&self) -> Timestamp {
        let within = if self.is_coarse { 999 } else { 0 };
        Timestamp::from_millis(self.at.as_millis().saturating_add(within))
    }
}

/// Hexadecimal digits in the order of the numbers they write.
fn number(digits: &str) -> (usize, String) {
    let significant = digits.trim_start_matches('0').to_ascii_uppercase();
    (significant.len(), significant)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    fn moment(at: i64, sequencer: Option<&str>) -> Moment {
        let sequencer = sequencer.map(str::to_owned);
        Moment { at: Timestamp::from_millis(at), is_coarse: false, sequencer }
    }

    #[test]
    fn sequencers_decide_when_both_have_one_and_are_compared_as_numbers() {
        let early = moment(9, Some("FF"));
        let late = moment(5, Some("00100"));
        assert_eq!(early.order(&late), Ordering::Less, "100 is more than FF, whatever the times");
        assert_eq!(early.order(&moment(9, Some("0ff"))), Ordering::Equal);
        assert_eq!(early.order(&moment(5, None)), Ordering::Greater, "else times decide");
    }

    #[test]
    fn a_clock_of_whole_seconds_leaves_the_second_open() {
        let coarse = Moment { is_coarse: true, ..moment(10_000, None) };
        assert_eq!(coarse.latest(), Timestamp::from_millis(10_999));
        assert_eq!(moment(10_000, None).latest(), Timestamp::from_millis(10_000));
    }
}
