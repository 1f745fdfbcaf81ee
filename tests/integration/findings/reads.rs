//! Who reads an album and then removes it is told of where somebody wants that, and nowhere else.

use serde_json::Value;

use super::history::{BUCKET, History};
use super::run;
use crate::requirement::scratch;

/// What the command line tells of the findings of a folder's store.
fn told(folder: &std::path::Path) -> Value {
    let listed = run(folder, &["findings", "--bucket", BUCKET, "--output", "json"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    serde_json::from_str(&listed.stdout).unwrap()
}

fn theft(told: &Value) -> Option<&Value> {
    let all = told["findings"].as_array().unwrap();
    all.iter().find(|finding| finding["detector"] == "read_then_destroy")
}

/// Why the detector is off, if it is.
fn off(told: &Value) -> Option<&str> {
    let all = told["detectors_off"].as_array().unwrap();
    let off = all.iter().find(|off| off["detector"] == "read_then_destroy");
    off.map(|off| off["because"].as_str().unwrap())
}

#[test]
fn a_theft_is_told_of_where_reads_are_kept_and_nowhere_else() {
    let history = History::until_yesterday();
    let [without, with] = ["reads-off", "reads-on"].map(scratch);
    for folder in [&without, &with] {
        history.write(&folder.join("logs"));
        history.write_reads(&folder.join("logs"));
    }
    let mode = "[detectors.read_then_destroy]\nmode = \"live\"\n";
    std::fs::write(with.join("deltrail.toml"), mode).unwrap();
    let scanned = run(&without, &["scan", "logs"]);
    assert_eq!(scanned.code, 0, "{}", scanned.stderr);
    let scanned = run(&with, &["scan", "logs", "--config", "deltrail.toml", "--output", "json"]);
    assert_eq!(scanned.code, 0, "{}", scanned.stderr);
    let summary: Value = serde_json::from_str(&scanned.stdout).unwrap();
    assert_eq!(summary["removals_learnt"], history.usual + history.purged, "{summary:#}");

    let nothing = told(&without);
    assert_eq!(theft(&nothing), None, "{nothing:#}");
    assert!(off(&nothing).unwrap().contains("mode = \"live\""), "{nothing:#}");

    let found = told(&with);
    assert_eq!(off(&found), None, "{found:#}");
    let theft = theft(&found).unwrap_or_else(|| panic!("no theft in {found:#}"));
    assert_eq!(theft["severity"], "critical", "{theft:#}");
    assert_eq!(theft["who"][0]["principal"], "intern", "{theft:#}");
    assert_eq!(theft["removed"]["total"], history.purged, "{theft:#}");
}
