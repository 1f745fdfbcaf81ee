//! The rules of Prometheus, read by Prometheus itself: what every alert has to say, and the unit
//! tests that stand beside them.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use super::servers::Server;
use super::{deployed, files_of, text_of};
use crate::requirement::{root, scratch, tool};

/// Where the runbooks are said to be, until somebody puts them elsewhere.
pub const RUNBOOKS: &str = "https://runbooks.example.org/deltrail";

/// The alert whose severity and runbook come from the finding.
const FINDING: &str = "DeltrailFinding";

/// One rule, as Prometheus understood it.
pub struct Rule(Value);

impl Rule {
    /// The name of the alert, or of the series that is recorded.
    pub fn name(&self) -> &str {
        self.text("name")
    }

    pub fn is_alert(&self) -> bool {
        self.text("type") == "alerting"
    }

    pub fn query(&self) -> &str {
        self.text("query")
    }

    pub fn annotation(&self, name: &str) -> &str {
        self.0["annotations"][name].as_str().unwrap_or_default()
    }

    fn severity(&self) -> Option<&str> {
        self.0["labels"]["severity"].as_str()
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }
}

/// Every rule; `None` when Prometheus is not installed, which has been said then.
pub fn rules() -> Option<&'static [Rule]> {
    static RULES: OnceLock<Option<Vec<Rule>>> = OnceLock::new();
    let read = || {
        let folder = scratch("deploy-rules");
        // Nobody listens there: it is only asked what it has read.
        let configuration = text_of("prometheus/prometheus.yml")
            .replace("127.0.0.1:10118", "127.0.0.1:1")
            .replace("127.0.0.1:9093", "127.0.0.1:1");
        let path = folder.join("prometheus.yml");
        std::fs::write(&path, configuration).unwrap();
        for file in ["recording.yml", "alerting.yml"] {
            std::fs::copy(deployed("prometheus").join(file), folder.join(file)).unwrap();
        }
        let prometheus = Server::prometheus(&folder, &path)?;
        let mut answer = prometheus.get("/api/v1/rules");
        let groups = answer["data"]["groups"].as_array_mut().unwrap();
        let rules = groups.iter_mut().flat_map(|group| group["rules"].as_array_mut().unwrap());
        Some(rules.map(|rule| Rule(rule.take())).collect())
    };
    RULES.get_or_init(read).as_deref()
}

/// The names of all alerts, each once.
pub fn alerts() -> Option<Vec<&'static str>> {
    let alerts = rules()?.iter().filter(|rule| rule.is_alert()).map(Rule::name);
    let mut names: Vec<&str> = alerts.collect();
    names.dedup();
    assert!(names.len() > 10, "Prometheus reads the alerts: {names:?}");
    Some(names)
}

fn promtool(arguments: &[&str]) {
    let Some(promtool) = tool("tools/bin", "promtool") else { return };
    let folder = deployed("prometheus");
    let ran = Command::new(promtool).args(arguments).current_dir(folder).output().unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(ran.status.success(), "promtool {arguments:?}: {said}");
}

#[test]
fn promtool_finds_nothing_to_say_about_configuration_and_rules() {
    promtool(&["check", "config", "--lint=all", "--lint-fatal", "prometheus.yml"]);
}

#[test]
fn alerts_fire_stay_quiet_and_resolve() {
    let files = files_of("prometheus/tests", "yml");
    let files = files.iter().map(|path| path.to_str().unwrap());
    let arguments: Vec<&str> = ["test", "rules"].into_iter().chain(files).collect();
    promtool(&arguments);
}

/// What the unit tests expect of an alert, in order: whether it fires.
fn expectations(text: &str, alert: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let of_alert = lines.windows(2).filter(|pair| pair[0] == format!("alertname: {alert}"));
    of_alert.map(|pair| if pair[1] == "exp_alerts: []" { '-' } else { '!' }).collect()
}

#[test]
fn every_alert_is_tested_before_while_and_after_it_fires() {
    let Some(alerts) = alerts() else { return };
    let files = files_of("prometheus/tests", "yml");
    let tests: Vec<String> =
        files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for alert in alerts {
        let is_tested = tests.iter().any(|text| expectations(text, alert).contains("-!-"));
        assert!(is_tested, "{alert}: no unit test has it quiet, firing and resolved");
    }
    let text = "alertname: A\nexp_alerts: []\nalertname: B\nexp_alerts:\nalertname: A\nexp_alerts:";
    assert_eq!([expectations(text, "A"), expectations(text, "B")], ["-!", "!"]);
}

#[test]
fn every_alert_says_how_bad_it_is_what_it_means_and_what_to_do() {
    let Some(rules) = rules() else { return };
    for rule in rules.iter().filter(|rule| rule.is_alert()) {
        let name = rule.name();
        assert!(name.starts_with("Deltrail"), "{name} names its program");
        for annotation in ["summary", "description"] {
            let text = rule.annotation(annotation);
            assert!(text.len() > 10 && !text.contains('\n'), "{name}: {annotation}: {text:?}");
        }
        let page = rule.annotation("runbook_url").strip_prefix(RUNBOOKS);
        if name == FINDING {
            assert_eq!(rule.severity(), None, "{name}: the daemon's own severity");
            assert_eq!(page, Some("/{{ $labels.detector }}.md"));
            assert_eq!(rule.0["duration"], 0, "{name}: the daemon has judged already");
            assert!(rule.0["keepFiringFor"].as_u64().unwrap() >= 600, "{name}: short ones show");
        } else {
            let severity = rule.severity();
            let is_known = severity.is_some_and(|it| ["critical", "warning", "info"].contains(&it));
            assert!(is_known, "{name}: severity {severity:?}");
            assert_eq!(page, Some(format!("/{name}.md").as_str()), "{name}");
        }
    }
}

#[test]
fn the_command_that_moves_the_runbooks_moves_all_of_them() {
    let text = text_of("prometheus/alerting.yml");
    let command = text.lines().find_map(|line| line.split_once("sed -i ")).unwrap().1;
    let mut parts = command.trim_start_matches('\'').split('#');
    let (_, from, to) = (parts.next(), parts.next().unwrap(), parts.next().unwrap());
    assert_eq!(from, RUNBOOKS);
    let urls = text.lines().filter(|line| line.contains("runbook_url: "));
    let (all, moved) = (urls.clone().count(), urls.filter(|url| url.replace(from, to) != *url));
    assert_eq!(moved.count(), all);
    assert_eq!(text.matches(RUNBOOKS).count(), all + 1, "it stands in the command and the urls");
}

#[test]
fn the_documentation_lists_every_alert_with_its_severities() {
    let Some(rules) = rules() else { return };
    let text = std::fs::read_to_string(root().join("docs/ALERTS.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `Deltrail"));
    let listed = rows.map(|row| {
        let (name, severities) = row.split_once("` | ").unwrap();
        (format!("Deltrail{name}"), severities.split(" | ").next().unwrap().to_owned())
    });
    let mut told: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for rule in rules.iter().filter(|rule| rule.is_alert()) {
        let severity = rule.severity().unwrap_or("the finding's");
        let severities = told.entry(rule.name().to_owned()).or_default();
        if !severities.contains(&severity) {
            severities.push(severity);
        }
    }
    let told: BTreeMap<_, _> = told.into_iter().map(|(name, it)| (name, it.join(", "))).collect();
    let listed: BTreeMap<_, _> = listed.collect();
    assert_eq!(listed, told, "docs/ALERTS.md (left), the rules (right)");
}
