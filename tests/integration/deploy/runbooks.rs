//! The runbooks: a page for every alert and every detector, each with the same parts, and with
//! links, commands and metrics that are there.

use std::path::Path;
use std::process::Command;

use deltrail::metrics::described;
use deltrail_core::domain::Detector;

use super::rules::alerts;
use super::{deployed, files_of};

const PARTS: [&str; 4] = ["Meaning", "Impact", "Diagnosis", "Mitigation"];
/// Pages that others lead to.
const GUIDES: [&str; 2] = ["getting-objects-back", "stopping-deletes"];

/// The name and text of every page.
fn pages() -> Vec<(String, String)> {
    let pages = files_of("runbooks", "md");
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    pages.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_alert_and_every_detector_has_a_page_and_no_page_is_of_another() {
    let Some(alerts) = alerts() else { return };
    let detectors = Detector::ALL.iter().map(|detector| detector.as_str());
    let mut wanted: Vec<&str> = alerts.into_iter().chain(detectors).chain(GUIDES).collect();
    wanted.sort_unstable();
    let pages = pages();
    let there: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(there, wanted, "deploy/runbooks (left), alerts and detectors (right)");
}

#[test]
fn every_page_has_its_parts() {
    for (name, text) in pages() {
        if GUIDES.contains(&name.as_str()) {
            continue;
        }
        assert!(text.starts_with(&format!("# {name}\n")), "{name} is titled so");
        let sections: Vec<&str> = text.split("\n## ").skip(1).collect();
        let titles: Vec<&str> = sections.iter().map(|it| it.split('\n').next().unwrap()).collect();
        assert_eq!(titles, PARTS, "{name}");
        for section in sections {
            let (title, body) = section.split_once('\n').unwrap();
            assert!(body.trim().len() > 30, "{name}: {title} says something");
        }
    }
}

/// What a page links to, by path and heading.
fn links(text: &str) -> Vec<(&str, &str)> {
    let targets = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    targets.map(|target| target.split_once('#').unwrap_or((target, ""))).collect()
}

/// The heading as its link writes it.
fn anchor(heading: &str) -> String {
    heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-")
}

#[test]
fn links_lead_somewhere() {
    for (name, text) in pages() {
        for (path, heading) in links(&text) {
            let path = if path.is_empty() { format!("{name}.md") } else { path.to_owned() };
            let linked = std::fs::read_to_string(deployed("runbooks").join(&path));
            let linked = linked.unwrap_or_else(|error| panic!("{name}: {path}: {error}"));
            let mut headings = linked.lines().filter(|line| line.starts_with('#')).map(anchor);
            assert!(heading.is_empty() || headings.any(|it| it == heading), "{name}: #{heading}");
        }
    }
}

#[test]
fn metrics_of_the_pages_are_there() {
    let families = described();
    for (name, text) in pages() {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        let words = text.split(|c: char| !is_part(c)).filter(|it| it.starts_with("deltrail_"));
        for word in words {
            let is_there = families.iter().any(|family| family.name == word);
            assert!(is_there, "{name}: no metric {word}");
        }
    }
}

/// The words of each command of the program that a page shows, up to a pipe.
fn commands(text: &str) -> Vec<Vec<&str>> {
    let code = text.split('`').skip(1).step_by(2);
    let lines = code.flat_map(str::lines).chain(text.lines());
    let shown = lines.filter_map(|line| line.trim().strip_prefix("deltrail "));
    shown.map(|line| line.split(" | ").next().unwrap().split_whitespace().collect()).collect()
}

#[test]
fn commands_of_the_pages_are_understood() {
    let mut understood = 0;
    for (name, text) in pages() {
        for words in commands(&text) {
            let [command, arguments @ ..] = words.as_slice() else { continue };
            let program = Command::new(env!("CARGO_BIN_EXE_deltrail"));
            let mut program = program;
            let help = program.args([command, "--help"]).output().unwrap();
            assert!(help.status.success(), "{name}: {words:?}");
            let help = String::from_utf8(help.stdout).unwrap();
            for flag in arguments.iter().filter(|word| word.starts_with("--")) {
                assert!(help.contains(*flag), "{name}: {flag} of {words:?}");
            }
            understood += 1;
        }
    }
    assert!(understood > 15, "{understood} commands are found");
}
