//! `deltrail print-config`: every setting, its value and where that came from, and every deletion
//! that the file announces.

use std::process::ExitCode;

use clap::Args;

use super::{USAGE, fail, tell};
use crate::config::{Config, Given, Purpose, SETTINGS, SettingFlags, Surroundings};

/// Arguments of `deltrail print-config`.
#[derive(Debug, Args)]
pub(super) struct PrintConfigArguments {
    #[command(flatten)]
    settings: SettingFlags,
}

/// Prints the table, if the values given are valid.
pub(super) fn print(arguments: &PrintConfigArguments, surroundings: &Surroundings) -> ExitCode {
    let settings = &arguments.settings;
    let config = settings.config(surroundings, Purpose::Inspect);
    match config.and_then(|config| Ok((settings.given(surroundings)?, config))) {
        Ok((given, config)) => tell(&table(&given, &config)),
        Err(problems) => fail(USAGE, &format!("the settings are not valid\n{problems}")),
    }
}

fn table(given: &Given, config: &Config) -> String {
    let mut rows = vec![["SETTING".to_owned(), "VALUE".to_owned(), "FROM".to_owned()]];
    for setting in SETTINGS {
        let origin = given.get(setting).map(|(origin, _)| origin.to_string());
        rows.push([
            setting.name.to_owned(),
            config.show(setting),
            origin.unwrap_or_else(|| "default".to_owned()),
        ]);
    }
    let announced = config.expectations.iter().zip(given.expectation_files());
    rows.extend(announced.map(|(expected, file)| {
        ["expectations".to_owned(), expected.to_string(), format!("file {}", file.display())]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let (name, value) = (width(0).unwrap_or(0), width(1).unwrap_or(0));
    let line = |row: &[String; 3]| format!("{:name$}  {:value$}  {}\n", row[0], row[1], row[2]);
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::table;
    use crate::config::{Config, Given, OPS_LISTEN, Purpose, Surroundings};

    #[test]
    fn each_value_stands_with_its_origin() {
        let surroundings = Surroundings::of_test(&[("DELTRAIL_MEMORY_BUDGET", "65536KiB")]);
        let given = Given::default()
            .with_flag(&OPS_LISTEN, vec!["127.0.0.1:9000".to_owned()])
            .with_environment(&surroundings)
            .with_file_text("log-bucket = [\"first\", \"second/p/\"]", Path::new("my.toml"))
            .unwrap();
        let config = Config::of(&given, &surroundings, Purpose::Inspect).unwrap();
        insta::assert_snapshot!(table(&given, &config), @r#"
        SETTING                     VALUE                 FROM
        queue-url                   -                     default
        log-bucket                  first,second/p        file my.toml
        log-bucket-owner            -                     default
        any-log-bucket              false                 default
        watch-bucket                *                     default
        important-bucket            -                     default
        missing-object              retry                 default
        poison-after                5                     default
        trail-writes                false                 default
        verify-digests              false                 default
        s3-path-style               false                 default
        store                       sqlite://deltrail.db  default
        instance                    host-1                default
        max-buckets                 500                   default
        ops-listen                  127.0.0.1:9000        flag
        app-listen                  127.0.0.1:10119       default
        app-token                   -                     default
        app-token-file              -                     default
        tls-cert                    -                     default
        tls-key                     -                     default
        retention                   90d                   default
        log-format                  json                  default
        stale-window                15m                   default
        sensitivity                 normal                default
        detector-mode               -                     default
        notify-webhook              -                     default
        notify-webhook-secret       -                     default
        notify-webhook-secret-file  -                     default
        notify-slack-url            -                     default
        notify-slack-url-file       -                     default
        notify-sns-topic            -                     default
        notify-alertmanager         -                     default
        notify-severity             warning               default
        external-url                -                     default
        workers                     4                     default
        in-flight-messages          1000                  default
        in-flight-objects           64                    default
        memory-budget               64MiB                 env
        max-inflated                1GiB                  default
        max-record                  4MiB                  default
        drain-timeout               25s                   default
        "#);
    }

    #[test]
    fn what_the_file_announces_stands_after_the_settings() {
        let surroundings = Surroundings::of_test(&[]);
        let file = r#"
            [[expectations]]
            bucket = "example-images"
            since = 2026-11-24
            until = 2026-12-01T06:00:00Z
            max-objects = 50000
            [[expectations]]
            principal = "cleanup-job"
            bucket = "example-images"
            prefix = "tmp/"
            until = 2026-12-01T06:00:00Z
            max-objects = 7
        "#;
        let given = Given::default().with_file_text(file, Path::new("my.toml")).unwrap();
        let config = Config::of(&given, &surroundings, Purpose::Inspect).unwrap();
        let table = table(&given, &config);
        let rows: Vec<&str> =
            table.lines().filter_map(|line| line.strip_prefix("expectations ")).collect();
        let rows: Vec<String> =
            rows.iter().map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            rows,
            [
                "50000 by anybody in s3://example-images/ since 2026-11-24T00:00:00.000Z until \
                 2026-12-01T06:00:00.000Z file my.toml",
                "7 by cleanup-job in s3://example-images/tmp/ until 2026-12-01T06:00:00.000Z file \
                 my.toml",
            ]
        );
    }
}
