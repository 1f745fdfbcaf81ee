//! `deltrail findings --notify-test`: who is reached, before a finding has to reach them.

use std::process::ExitCode;

use super::super::ask::AskArguments;
use super::super::{FAILED, fail, on_runtime, tell};
use crate::app::{self, Told};
use crate::config::Surroundings;

/// Tells all who are told by the settings; the answer is no unless all of them are reached.
pub(super) fn tell_all(ask: &AskArguments, surroundings: &Surroundings) -> ExitCode {
    let config = match ask.config(surroundings) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let mut told = Told::new();
    let result = on_runtime(surroundings.cores, async {
        told = app::notify_test(&config).await?;
        Ok(())
    });
    if let Err(error) = result {
        return fail(FAILED, &format!("{error:#}"));
    }
    if told.is_empty() {
        return fail(
            FAILED,
            "nobody is told of findings: set notify-webhook, notify-slack-url, notify-sns-topic or \
             notify-alertmanager, as variables or in the file",
        );
    }
    let printed = tell(&told.iter().map(line).collect::<String>());
    if told.iter().any(|(_, end)| end.is_err()) { ExitCode::from(FAILED) } else { printed }
}

fn line((name, end): &(&'static str, Result<(), crate::notify::NotifyError>)) -> String {
    match end {
        Ok(()) => format!("{name}: told\n"),
        Err(error) => format!("{name}: not told: {error}\n"),
    }
}
