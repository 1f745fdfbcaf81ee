//! The tables of figures in README.md and docs/PERFORMANCE.md against what was measured, and the
//! page about the benches against the benches there are. It knows no figure.

use serde_json::Value;

use crate::requirement::root;

const OPENING: &str = "<!-- performance -->\n";
const CLOSING: &str = "<!-- /performance -->";

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of the last table between the marks, without its head: the cells of each.
fn table(document: &str) -> Vec<Vec<String>> {
    let (_, block) = document.split_once(OPENING).expect("a block of performance");
    let (block, _) = block.split_once(CLOSING).expect("the end of the block");
    let (_, rows) = block.rsplit_once("|---|---|---|---|---|\n").expect("a table");
    let cells = |line: &str| {
        let line = line.trim_start_matches("| ").trim_end_matches('|');
        line.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    rows.lines().map(cells).collect()
}

/// As the benches print it: three digits that count, or more before the point.
fn short(value: f64) -> String {
    let decimals = [(100.0, 0), (10.0, 1), (1.0, 2)];
    let decimals = decimals.into_iter().find(|(least, _)| value.abs() >= *least);
    format!("{value:.*}", decimals.map_or(3, |(_, decimals)| decimals))
}

/// What the rows have to be, of every figure or of those that are bounded.
fn expected(measured: &Value, is_bounded_only: bool) -> Vec<Vec<String>> {
    let mut expected = Vec::new();
    for report in measured.as_array().unwrap() {
        for row in report["rows"].as_array().unwrap() {
            let number = |name: &str| row[name].as_f64();
            let sign = match row["bound"].as_str() {
                Some("at_most") => "≤",
                Some(_) => "≥",
                None if is_bounded_only => continue,
                None => "",
            };
            let bound =
                |name| number(name).map_or(String::new(), |limit| format!("{sign} {limit}"));
            let (value, must) = (number("measured").unwrap(), number("must"));
            let is_missed = match sign {
                "≤" => must.is_some_and(|must| value > must),
                _ => must.is_some_and(|must| value < must),
            };
            let missed = if is_missed { " **missed**" } else { "" };
            let [bench, name] = [&report["name"], &row["name"]].map(|it| it.as_str().unwrap());
            let unit = row["unit"].as_str().unwrap();
            expected.push(vec![
                format!("{bench}: {name}"),
                bound("must"),
                bound("goal"),
                format!("{} {unit}{missed}", short(value)),
                number("spread").map_or(String::new(), |spread| format!("± {}", short(spread))),
            ]);
        }
    }
    expected
}

#[test]
fn the_tables_of_figures_are_what_was_measured() {
    let measured: Value = serde_json::from_str(&text("docs/performance/measured.json")).unwrap();
    let bounded = expected(&measured, true);
    assert!(bounded.len() > 5, "hardly anything was measured: {bounded:?}");
    assert_eq!(table(&text("README.md")), bounded, "run `make bench-report`");
    let all = expected(&measured, false);
    assert_eq!(table(&text("docs/PERFORMANCE.md")), all, "run `make bench-report`");
}

#[test]
fn figures_are_written_and_misses_are_marked() {
    let measured = serde_json::json!([{ "name": "decode", "rows": [
        { "name": "mixed", "unit": "x G", "bound": "at_most", "must": 1.3, "goal": 1.1,
          "measured": 1.3333, "spread": 0.0151 },
        { "name": "speed", "unit": "MB/s", "measured": 1234.5, "spread": null },
    ] }]);
    let missed = ["decode: mixed", "≤ 1.3", "≤ 1.1", "1.33 x G **missed**", "± 0.015"];
    let speed = ["decode: speed", "", "", "1234 MB/s", ""];
    assert_eq!(expected(&measured, true), [missed]);
    assert_eq!(expected(&measured, false), [missed, speed]);
    let rows = [missed, speed].map(|cells| format!("| {} |\n", cells.join(" | "))).concat();
    let document = format!("a\n{OPENING}|what|\n|---|---|---|---|---|\n{rows}{CLOSING}\nb\n");
    assert_eq!(table(&document), [missed, speed]);
}

/// The names that `cargo bench --bench performance` knows.
fn benches() -> Vec<String> {
    let program = text("benches/main.rs");
    let subjects = program.split("Subject::").skip(1).filter_map(|after| {
        let after = after.strip_prefix("new(\"").or_else(|| after.strip_prefix("long(\""))?;
        Some(after.split('"').next()?.to_owned())
    });
    subjects.collect()
}

#[test]
fn the_page_about_performance_names_every_bench() {
    let (benches, page) = (benches(), text("docs/PERFORMANCE.md"));
    for known in ["decode", "small-files", "growth"] {
        assert!(benches.iter().any(|bench| bench == known), "{known} is not in {benches:?}");
    }
    for bench in benches {
        assert!(page.contains(&format!("\n| `{bench}` |")), "{bench} is not in the page's table");
    }
}

#[test]
fn the_plots_that_the_page_shows_are_there() {
    let page = text("docs/PERFORMANCE.md");
    let plots: Vec<&str> = page
        .split("](performance/")
        .skip(1)
        .filter_map(|after| after.split_once(')').map(|(name, _)| name))
        .collect();
    assert_eq!(plots, ["growth-decode.svg", "growth-commit.svg"]);
    for plot in plots {
        let plot = text(&format!("docs/performance/{plot}"));
        assert!(plot.starts_with("<svg ") && plot.contains("<polyline "), "{plot}");
    }
}
