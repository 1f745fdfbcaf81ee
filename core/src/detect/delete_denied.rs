//! `delete_denied`: a principal was refused more deletes within 5 minutes, an hour or 24 hours than
//! twice the most of the last 28 days, and 20 or more. The record rule of [`super::limits`], on
//! requests.

use super::baseline::{DENIED_MIN, Records};
use super::episode::begun_on;
use super::scene::{Of, Scene};
use super::volume::{Volume, against_record};
use crate::domain::{Detector, Finding, Severity};

pub(super) fn find(scene: &Scene<'_>) -> Vec<Finding> {
    let nameless = std::iter::once(Of::Nameless);
    scene.principals().chain(nameless).filter_map(|of| judge(scene, of)).collect()
}

fn judge(scene: &Scene<'_>, of: Of) -> Option<Finding> {
    let nothing = Records::default();
    let records = scene.baseline(of).map_or(&nothing, |known| &known.denied);
    let volume = Volume {
        points: &scene.series(of).points(|counts| counts.denied),
        records,
        minima: DENIED_MIN,
        cold_minimum: None,
    };
    let episode = begun_on(scene.input.day, &volume.triggers(scene))?;
    let reason = against_record(scene, records, &episode.peak);
    let bounds = (episode.first, episode.last);
    Some(scene.finding(Detector::DeleteDenied, of, bounds, Severity::Warning, reason))
}
