//! The dashboards of Grafana, by a lint of our own: every panel says what it shows, in which unit,
//! of what, and takes its data from wherever the reader chooses.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{deployed, files_of, text_of};
use crate::requirement::{scratch, tool};

/// A panel that asks Prometheus something.
pub struct Panel {
    pub dashboard: String,
    pub title: String,
    pub targets: Vec<Target>,
}

/// One of its questions.
pub struct Target {
    pub expression: String,
    /// Whether only the newest number is asked for.
    pub is_instant: bool,
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The name and content of every dashboard.
fn dashboards() -> Vec<(String, Value)> {
    let read = |path: &Path| serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let files = files_of("grafana/dashboards", "json");
    files.iter().map(|path| (path.file_stem().unwrap().display().to_string(), read(path))).collect()
}

/// Every panel that has questions.
pub fn panels() -> Vec<Panel> {
    let mut panels = Vec::new();
    for (name, dashboard) in dashboards() {
        for panel in list(&dashboard["panels"]) {
            let targets = list(&panel["targets"]).iter().map(|target| Target {
                expression: text(&target["expr"]).to_owned(),
                is_instant: target["instant"] == true,
            });
            let title = text(&panel["title"]).to_owned();
            panels.push(Panel { dashboard: name.clone(), title, targets: targets.collect() });
        }
    }
    panels.retain(|panel| !panel.targets.is_empty());
    assert!(panels.len() > 30, "the panels are read");
    panels
}

/// The dashboard and query of every variable that asks Prometheus.
pub fn variables() -> Vec<(String, String)> {
    let of_dashboard = |(name, dashboard): (String, Value)| {
        let variables = list(&dashboard["templating"]["list"]).to_vec();
        let queries = variables.into_iter().filter(|it| it["type"] == "query");
        queries.map(move |it| (name.clone(), text(&it["query"]["query"]).to_owned()))
    };
    dashboards().into_iter().flat_map(of_dashboard).collect()
}

/// What is wrong with a dashboard.
fn faults(dashboard: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |panel: &Value, what: &str| {
        faults.push(format!("{}: {what}", text(&panel["title"])));
    };
    for name in ["uid", "title", "description"] {
        if text(&dashboard[name]).is_empty() {
            fault(dashboard, &format!("no {name}"));
        }
    }
    let variables = list(&dashboard["templating"]["list"]);
    if variables.iter().filter(|it| it["type"] == "datasource").count() != 1 {
        fault(dashboard, "no variable for the data source");
    }
    for variable in variables.iter().filter(|it| it["type"] == "query") {
        if variable["datasource"]["uid"] != "${datasource}" {
            fault(dashboard, "a variable with a data source of its own");
        }
    }
    let panels = list(&dashboard["panels"]);
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    if ids.len() != panels.len() {
        fault(dashboard, "two panels with one id");
    }
    for panel in panels {
        let kind = text(&panel["type"]);
        if text(&panel["title"]).is_empty() {
            fault(panel, "no title");
        }
        if kind == "row" || kind == "text" {
            continue;
        }
        if text(&panel["description"]).len() < 8 {
            fault(panel, "no description");
        }
        if text(&panel["fieldConfig"]["defaults"]["unit"]).is_empty() {
            fault(panel, "no unit");
        }
        let shows_series = kind == "timeseries" || kind == "state-timeline";
        if shows_series && panel["options"]["legend"]["showLegend"] != true {
            fault(panel, "its legend is hidden");
        }
        let targets = list(&panel["targets"]);
        if targets.is_empty() {
            fault(panel, "no question");
        }
        for asked in targets.iter().chain([panel]) {
            if asked["datasource"]["uid"] != "${datasource}" {
                fault(panel, "a data source of its own");
            }
        }
        for target in targets {
            if text(&target["legendFormat"]).is_empty() {
                fault(panel, "no legend");
            }
        }
    }
    faults.extend(overlaps(panels));
    faults
}

/// Panels that lie on one another or beside the page.
fn overlaps(panels: &[Value]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut faults = Vec::new();
    for panel in panels {
        let [x, y, width, height] =
            ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap_or(1000));
        let mut cells = (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y)));
        if x + width > 24 || !cells.all(|cell| taken.insert(cell)) {
            faults.push(format!("{}: lies on another or beside the page", text(&panel["title"])));
        }
    }
    faults
}

#[test]
fn every_panel_says_what_it_shows() {
    let dashboards = dashboards();
    let names: Vec<&str> = dashboards.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["investigate", "overview", "pipeline"]);
    for (name, dashboard) in &dashboards {
        assert_eq!(faults(dashboard), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn each_fault_of_a_panel_is_found() {
    let (_, whole) = dashboards().swap_remove(0);
    let at = list(&whole["panels"]).iter().position(|it| it["type"] == "timeseries").unwrap();
    let panel = format!("/panels/{at}");
    for (part, wrong) in [
        ("/description", "".into()),
        ("/fieldConfig/defaults/unit", "".into()),
        ("/targets/0/legendFormat", "".into()),
        ("/targets/0/datasource/uid", "prometheus-1".into()),
        ("/datasource/uid", "prometheus-1".into()),
        ("/options/legend/showLegend", Value::Bool(false)),
        ("/gridPos/x", 20.into()),
        ("/id", whole["panels"][0]["id"].clone()),
    ] {
        let mut broken = whole.clone();
        *broken.pointer_mut(&format!("{panel}{part}")).unwrap() = wrong;
        assert_eq!(faults(&broken).len(), 1, "{part}");
    }
}

#[test]
fn dashboards_are_what_their_script_writes() {
    let Some(python) = tool("venv/bin", "python") else { return };
    let folder = scratch("deploy-dashboards");
    let script = deployed("grafana/dashboards.py");
    let ran = Command::new(python).arg(script).arg(&folder).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    for path in files_of("grafana/dashboards", "json") {
        let written = std::fs::read_to_string(folder.join(path.file_name().unwrap())).unwrap();
        let is_same = std::fs::read_to_string(&path).unwrap() == written;
        assert!(is_same, "{}: run deploy/grafana/dashboards.py", path.display());
    }
}

#[test]
fn the_provisioned_source_is_scraped_as_often_as_it_says() {
    let line = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap();
        line.trim().to_owned()
    };
    let provisioned = text_of("grafana/provisioning/datasources/prometheus.yml");
    let scraped = text_of("prometheus/prometheus.yml");
    assert_eq!(line(&provisioned, "timeInterval:"), line(&scraped, "scrape_interval:"));
}
