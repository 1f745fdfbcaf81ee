//! Why a detector cannot look: what it would need and is not given. It knows nothing of what a
//! user switched off.

use crate::domain::{Detector, Source, SourceSet};

/// Why this detector finds nothing, when only these sources tell of a bucket and traces of keys are
/// kept or not; `None` when it looks.
#[must_use]
pub fn off_because(
    detector: Detector,
    sources: SourceSet,
    has_traces: bool,
) -> Option<&'static str> {
    let has = |source: Source| sources.contains(source);
    let has_trail = has(Source::CloudTrail);
    let has_word = Source::ALL.into_iter().any(|it| it.is_confirmation() && has(it));
    let asks = has_trail || has(Source::AccessLog);
    match detector {
        Detector::ReadThenDestroy if !asks => {
            Some("neither CloudTrail nor access logs are read, and only they tell of reads")
        }
        Detector::ReadThenDestroy if !has_traces => {
            Some("reads are not decoded until [detectors.read_then_destroy] mode = \"live\"")
        }
        Detector::ProtectionOff | Detector::LogTamper if !has_trail => {
            Some("no CloudTrail is read, and only it tells of changes")
        }
        Detector::NewOrigin if !asks && !has(Source::S3Notification) => {
            Some("no source that tells an address is read")
        }
        Detector::DeleteDenied if !asks => {
            Some("neither CloudTrail nor access logs are read, and only they tell of refused calls")
        }
        Detector::LifecycleSurge if !has_word => {
            Some("no notifications or access logs are read, and CloudTrail tells no expiry")
        }
        Detector::BlindSpot if !(has_trail && has_word) => {
            Some("it compares CloudTrail with S3's own word, and only one of them is read")
        }
        Detector::UnfulfilledIntent if !has(Source::Intent) => {
            Some("no application declares its deletes")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::off_because;
    use crate::domain::{Detector, Source, SourceSet};

    #[test]
    fn with_every_source_only_what_needs_reads_is_off_until_they_are_kept() {
        let all: SourceSet = Source::ALL.into_iter().collect();
        let off = |has_traces| -> Vec<&Detector> {
            let off = |it: &&Detector| off_because(**it, all, has_traces).is_some();
            Detector::ALL.iter().filter(off).collect()
        };
        assert_eq!(off(false), [&Detector::ReadThenDestroy]);
        assert_eq!(off(true), Vec::<&Detector>::new());
    }

    #[test]
    fn volume_needs_no_source_in_particular_and_changes_need_cloudtrail() {
        let notified: SourceSet = [Source::S3Notification].into_iter().collect();
        assert_eq!(off_because(Detector::MassDelete, notified, true), None);
        assert_eq!(off_because(Detector::NewOrigin, notified, true), None);
        for off in [Detector::LogTamper, Detector::BlindSpot, Detector::ReadThenDestroy] {
            assert!(off_because(off, notified, true).is_some(), "{off:?}");
        }
    }
}
