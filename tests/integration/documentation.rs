//! The README's tables against the program: every setting of `deltrail run` and every metric
//! stands there, no other does, and both agree on defaults, types and labels. The figures of the
//! benches stand there as they were measured.

mod named_tests;
mod performance;

use std::collections::BTreeMap;
use std::process::Command;

use crate::requirement::root;

/// The cells of the README's table rows whose first cell begins with `start`, as code.
fn rows(readme: &str, start: &str) -> Vec<Vec<String>> {
    readme
        .lines()
        .filter(|line| line.starts_with(&format!("| `{start}")))
        // A `\|` is a bar inside a cell.
        .map(|line| line.replace("\\|", "\u{1}"))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .map(|cells: Vec<String>| cells.iter().map(|cell| cell.replace('\u{1}', "|")).collect())
        .collect()
}

/// What stands between backticks in a cell.
fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).expect("README.md is there")
}

/// One setting: its environment variable and its default, where it has one that can be written.
#[derive(Debug, PartialEq, Eq)]
struct Setting {
    environment: Option<String>,
    default: Option<String>,
}

/// The settings in what `deltrail run --help` prints: an option is a line that opens with its
/// flag, and the lines up to the next one tell of it, `[env: ...]` and `[default: ...]` included.
fn settings_of_help(help: &str) -> BTreeMap<String, Setting> {
    let mut told: Vec<(String, String)> = Vec::new();
    for line in help.lines() {
        let opening = line.trim_start();
        // A short flag may stand before the long one.
        let long = opening.split_once(", --").filter(|_| opening.starts_with('-'));
        let long = opening.strip_prefix("--").or(long.map(|(_, rest)| rest));
        match long {
            Some(rest) => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                told.push((format!("--{}", &rest[..end.unwrap_or(rest.len())]), line.to_owned()));
            }
            None => {
                if let Some((_, text)) = told.last_mut() {
                    text.push(' ');
                    text.push_str(opening);
                }
            }
        }
    }
    let bracket = |text: &str, name: &str| {
        let start = text.find(&format!("[{name}: "))? + name.len() + 3;
        Some(text[start..start + text[start..].find(']')?].to_owned())
    };
    told.into_iter()
        .filter(|(flag, _)| flag != "--help" && flag != "--version")
        .map(|(flag, text)| {
            let environment = bracket(&text, "env");
            let environment = environment.map(|e| e.split('=').next().unwrap().to_owned());
            (flag, Setting { environment, default: bracket(&text, "default") })
        })
        .collect()
}

/// README rows: | `--flag VALUE` | default | meaning |. `none` and `required` are no default.
fn settings_of_readme(readme: &str) -> BTreeMap<String, Option<String>> {
    rows(readme, "--")
        .into_iter()
        .map(|cells| {
            let flag = code(&cells[0])[0].split([' ', '=']).next().unwrap().to_owned();
            let default = cells[1].replace('`', "");
            (flag, Some(default).filter(|default| default != "none" && default != "required"))
        })
        .collect()
}

#[test]
fn the_readme_names_every_setting_with_its_default() {
    let output = Command::new(env!("CARGO_BIN_EXE_deltrail"))
        .args(["run", "--help"])
        .env_clear()
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let program = settings_of_help(&help);
    assert!(
        program.contains_key("--queue-url"),
        "`deltrail run --help` names no settings:\n{help}"
    );
    let defaults: BTreeMap<String, Option<String>> =
        program.iter().map(|(flag, setting)| (flag.clone(), setting.default.clone())).collect();
    assert_eq!(settings_of_readme(&readme()), defaults, "README (left), the program (right)");
    for (flag, setting) in program {
        let expected = format!("DELTRAIL_{}", flag[2..].to_uppercase().replace('-', "_"));
        assert_eq!(setting.environment, Some(expected), "the environment variable of {flag}");
    }
}

/// Metrics as name, type and labels. README rows: | `name` | D counter `label, label` | meaning |,
/// where D (durable) may stand anywhere in the first two cells and labels may be one code or many.
type Families = BTreeMap<String, (String, Vec<String>, bool)>;

fn families_of_readme(readme: &str) -> Families {
    rows(readme, "deltrail_")
        .into_iter()
        .map(|cells| {
            let name = code(&cells[0])[0].to_owned();
            let words = |cell: &str| -> Vec<String> {
                let prose = cell.split('`').step_by(2).collect::<String>();
                prose.split([' ', ',']).map(str::to_owned).collect()
            };
            let kind = words(&cells[1]).into_iter().find(|word| word.len() > 1);
            let labels = code(&cells[1]).join(",");
            let labels = labels.split([',', ' ']).filter(|label| !label.is_empty());
            let labels = labels.map(str::to_owned).collect();
            let is_durable = cells[..2].iter().any(|cell| words(cell).contains(&"D".to_owned()));
            (name, (kind.unwrap_or_default(), labels, is_durable))
        })
        .collect()
}

#[test]
fn the_readme_names_every_metric_with_its_type_and_labels() {
    let program: Families = deltrail::metrics::described()
        .into_iter()
        .map(|family| {
            let labels = family.labels.iter().map(|&label| label.to_owned()).collect();
            let kind = family.kind.as_str().to_owned();
            (family.name.to_owned(), (kind, labels, family.is_durable))
        })
        .collect();
    assert!(program.len() > 10, "the program describes its metrics");
    assert_eq!(families_of_readme(&readme()), program, "README (left), the program (right)");
}

#[test]
fn tables_and_help_are_read_as_they_are_written() {
    let help = concat!(
        "The daemon\n\nUsage: deltrail run [OPTIONS]\n\nOptions:\n",
        "      --queue-url <URL>\n          A queue; --log-bucket is the other\n",
        "          one [env: DELTRAIL_QUEUE_URL=]\n\n",
        "      --workers <N>  Threads [env: DELTRAIL_WORKERS=] [default:\n          2]\n",
        "  -h, --help\n          Print help\n",
    );
    let settings = settings_of_help(help);
    assert_eq!(settings.keys().collect::<Vec<_>>(), ["--queue-url", "--workers"]);
    assert_eq!(settings["--workers"].default.as_deref(), Some("2"));
    assert_eq!(settings["--queue-url"].environment.as_deref(), Some("DELTRAIL_QUEUE_URL"));
    let readme = concat!(
        "| `--queue-url URL` | required | Which queue |\n",
        "| `--missing-object retry\\|skip` | `retry` | What then |\n",
        "| `deltrail_a_total` D | counter `bucket, api` | Many |\n",
        "| `deltrail_b` | gauge | One |\n",
    );
    let defaults = settings_of_readme(readme);
    assert_eq!(defaults["--queue-url"], None);
    assert_eq!(defaults["--missing-object"].as_deref(), Some("retry"));
    let families = families_of_readme(readme);
    let labels = vec!["bucket".to_owned(), "api".to_owned()];
    assert_eq!(families["deltrail_a_total"], ("counter".to_owned(), labels, true));
    assert_eq!(families["deltrail_b"], ("gauge".to_owned(), vec![], false));
}

/// The commands in the README's code: the words after the program, or after Cargo's `--`, line
/// continuations joined.
fn commands_of(readme: &str) -> Vec<Vec<String>> {
    let blocks = readme.split("```").skip(1).step_by(2).map(|block| block.replace("\\\n", " "));
    let blocks: Vec<String> = blocks.collect();
    let inline = readme.lines().filter(|line| !line.starts_with('|')).flat_map(code);
    let lines = blocks.iter().flat_map(|block| block.lines()).chain(inline);
    lines
        .filter_map(|line| {
            let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            let program = words.first()?.rsplit('/').next()?.to_owned();
            match program.as_str() {
                "deltrail" => Some(words[1..].to_vec()),
                "cargo" => {
                    let after = words.iter().position(|word| word == "--")?;
                    Some(words[after + 1..].to_vec())
                }
                _ => None,
            }
        })
        .filter(|words| !words.is_empty())
        .collect()
}

#[test]
fn the_readme_shows_commands_that_the_program_understands() {
    let commands = commands_of(&readme());
    let shown: Vec<&str> = commands.iter().map(|words| words[0].as_str()).collect();
    for wanted in ["run", "demo", "healthcheck", "check-config", "print-config"] {
        assert!(shown.contains(&wanted), "{wanted} is not in {shown:?}");
    }
    for words in commands {
        let help = Command::new(env!("CARGO_BIN_EXE_deltrail"))
            .args([&words[0], "--help"])
            .output()
            .unwrap();
        assert!(help.status.success(), "{words:?}");
        let help = String::from_utf8(help.stdout).unwrap();
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag.as_str()), "{flag} of {words:?}");
        }
    }
}
