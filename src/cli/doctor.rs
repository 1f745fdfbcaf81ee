//! `deltrail doctor`: whether everything outside the daemon is as it needs it, and what to do where
//! it is not.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::output::text::{shown, table};
use super::{FAILED, USAGE, fail, on_runtime, output, tell};
use crate::app;
use crate::config::{Purpose, SettingFlags, Surroundings};
use crate::setup::doctor::{Check, State};

/// Stands before the help.
pub(super) const EXAMPLE: &str = "\
Example:
  deltrail doctor --queue-url https://sqs.eu-west-1.amazonaws.com/111122223333/trail \\
                  --log-bucket my-trail-logs";

/// Arguments of `deltrail doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    /// Form of the answer
    #[arg(long, value_name = "table|json", default_value = "table", hide_possible_values = true)]
    output: Form,
    #[command(flatten)]
    settings: SettingFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Table,
    Json,
}

/// Prints every check; the answer is no when one failed.
pub(super) fn examine(arguments: &DoctorArguments, surroundings: &Surroundings) -> ExitCode {
    let config = match arguments.settings.config(surroundings, Purpose::Run) {
        Ok(config) => config,
        Err(problems) => return fail(USAGE, &format!("the settings are not valid\n{problems}")),
    };
    let mut checks = Vec::new();
    let result = on_runtime(surroundings.cores, async {
        checks = app::doctor(&config).await;
        Ok(())
    });
    if let Err(error) = result {
        return fail(FAILED, &format!("{error:#}"));
    }
    let told = tell(&match arguments.output {
        Form::Table => text(&checks),
        Form::Json => output::json(&json!({ "checks": checks, "summary": counts(&checks) })),
    });
    let has_failed = checks.iter().any(|check| check.verdict.state == State::Fail);
    if has_failed { ExitCode::from(FAILED) } else { told }
}

const STATES: [State; 4] = [State::Ok, State::Warn, State::Fail, State::Unknown];

fn count(checks: &[Check], state: State) -> usize {
    checks.iter().filter(|check| check.verdict.state == state).count()
}

fn counts(checks: &[Check]) -> serde_json::Value {
    let counts = STATES.map(|state| (state.as_str().to_owned(), json!(count(checks, state))));
    serde_json::Value::Object(counts.into_iter().collect())
}

/// A line for each check, and below it what to do; what many have in common is said once.
fn text(checks: &[Check]) -> String {
    let rows: Vec<[String; 4]> = checks
        .iter()
        .map(|check| {
            let state = check.verdict.state.as_str().to_owned();
            let seen = shown(&check.verdict.seen);
            [state, check.name.to_owned(), shown(&check.subject), seen]
        })
        .collect();
    let mut text = String::new();
    let mut told = BTreeSet::new();
    for (line, check) in table(&rows).lines().zip(checks) {
        let _ = writeln!(text, "{line}");
        let remedy = check.verdict.remedy.as_deref().unwrap_or_default();
        let is_new = remedy.is_empty() || told.insert(remedy);
        for line in if is_new { remedy } else { "as above" }.lines() {
            let _ = writeln!(text, "         {}", shown(line));
        }
    }
    let counts = STATES.map(|state| format!("{} {}", count(checks, state), state.as_str()));
    let _ = writeln!(text, "\n{}", counts.join(", "));
    text
}

#[cfg(test)]
mod tests {
    use super::{Check, State, counts, text};
    use crate::setup::doctor::Verdict;

    fn check(name: &'static str, state: State, seen: &str, remedy: Option<&str>) -> Check {
        let verdict = Verdict { state, seen: seen.to_owned(), remedy: remedy.map(str::to_owned) };
        Check { name, subject: "trail-logs".to_owned(), verdict }
    }

    #[test]
    fn what_to_do_stands_below_what_is_wrong() {
        let checks = [
            check("queue", State::Ok, "arn:aws:sqs:eu-west-1:111122223333:trail-logs", None),
            check("queue_policy", State::Fail, "no\u{1b}[2J", Some("add this:\n{\n  \"a\": 1\n}")),
            check("queue_policy", State::Fail, "no", Some("add this:\n{\n  \"a\": 1\n}")),
        ];
        insta::assert_snapshot!(text(&checks), @r#"
        ok    queue         trail-logs  arn:aws:sqs:eu-west-1:111122223333:trail-logs
        fail  queue_policy  trail-logs  no\u{1b}[2J
                 add this:
                 {
                   "a": 1
                 }
        fail  queue_policy  trail-logs  no
                 as above

        1 ok, 0 warn, 2 fail, 0 unknown
        "#);
        assert_eq!(counts(&checks).to_string(), r#"{"fail":2,"ok":1,"unknown":0,"warn":0}"#);
        let told = serde_json::to_value(&checks[1]).unwrap();
        assert_eq!((&told["check"], &told["state"]), (&"queue_policy".into(), &"fail".into()));
    }
}
