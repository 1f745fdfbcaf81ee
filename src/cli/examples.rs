//! What stands first in the help of each command: how it is called. Each line is one that the
//! program understands. The examples of what other files define stand there.

/// Examples before everything else, and the settings after their topics.
pub(super) const TEMPLATE: &str = "{before-help}{about-with-newline}\n{usage-heading} {usage}\n\n\
    {all-args}";

/// Of `deltrail demo`.
pub(super) const DEMO: &str = "\
Examples:
  deltrail demo
  deltrail demo --once --day-seconds 10";

/// Of `deltrail who-deleted`.
pub(super) const WHO_DELETED: &str = "\
Examples:
  deltrail who-deleted s3://example-images/thumbs/cat.jpg
  deltrail who-deleted s3://example-images/cat.jpg --server https://deltrail.example.com:10119";

/// Of `deltrail deletions`.
pub(super) const DELETIONS: &str = "\
Examples:
  deltrail deletions --bucket example-images --prefix thumbs/ --since 2h
  deltrail deletions --principal 'image-*' --output csv
  deltrail deletions --request-id 4442587FB7D0A2F9 --server http://127.0.0.1:10119";

/// Of `deltrail detach`.
pub(super) const DETACH: &str = "\
Examples:
  deltrail detach --bucket images --queue-arn arn:aws:sqs:eu-west-1:111122223333:removals
  deltrail detach --bucket images --queue-arn arn:aws:sqs:eu-west-1:111122223333:removals --apply";

/// Of `deltrail check-config`.
pub(super) const CHECK_CONFIG: &str = "\
Examples:
  deltrail check-config
  deltrail check-config --config /etc/deltrail.toml";

/// Of `deltrail print-config`.
pub(super) const PRINT_CONFIG: &str = "\
Examples:
  deltrail print-config
  deltrail print-config --config /etc/deltrail.toml";

/// Of `deltrail healthcheck`.
pub(super) const HEALTHCHECK: &str = "\
Examples:
  deltrail healthcheck
  deltrail healthcheck --ops-listen 127.0.0.1:10118";

/// Of `deltrail completions`.
pub(super) const COMPLETIONS: &str = "\
Examples:
  deltrail completions bash
  deltrail completions zsh";

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::super::Arguments;

    /// The commands of an example, as a shell takes them apart.
    fn commands(examples: &str) -> Vec<Vec<String>> {
        let joined = examples.replace("\\\n", " ");
        let lines = joined.lines().skip(1);
        let word = |word: &str| word.trim_matches('\'').to_owned();
        lines.map(|line| line.split_whitespace().map(word).collect()).collect()
    }

    #[test]
    fn every_command_shows_first_how_it_is_called_and_understands_that() {
        let mut arguments = Arguments::command();
        arguments.build();
        let shown = arguments.get_subcommands().filter(|it| !it.is_hide_set());
        for command in shown.filter(|it| it.get_name() != "help") {
            let name = command.get_name();
            let help = command.clone().render_long_help().to_string();
            let before = command.get_before_help().map(ToString::to_string).unwrap_or_default();
            assert!(before.starts_with("Example") && help.starts_with(&before), "{name}: {help}");
            let commands = commands(&before);
            assert!(!commands.is_empty(), "{name}");
            for words in commands {
                assert_eq!(words[..2], ["deltrail".to_owned(), name.to_owned()]);
                if let Err(error) = Arguments::try_parse_from(&words) {
                    panic!("{words:?}: {error}");
                }
            }
        }
    }
}
