//! `deltrail completions`: a completion script for a shell.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, tell};

/// Arguments of `deltrail completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

/// Writes the script to stdout.
pub(super) fn write(arguments: &CompletionsArguments) -> ExitCode {
    tell(&String::from_utf8_lossy(&script(arguments.shell)))
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "deltrail", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use clap_complete::Shell;

    #[test]
    fn every_shell_completes_the_settings() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(super::script(*shell)).unwrap();
            assert!(script.contains("queue-url"), "{shell}");
        }
    }
}
