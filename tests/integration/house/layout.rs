//! Rules about one file by itself: its opening, its length, its lines, and what may not be left.

use super::code::code_of;
use super::{Breach, SourceFile, expect_none, source_files};
use crate::requirement::root;

const FILE_LINES_MAX: usize = 400;
const LINE_COLUMNS_MAX: usize = 100;

/// What may not be left in a comment or in code. In two halves, so that this file keeps the rule.
const UNFINISHED: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
const UNFINISHED_CODE: [&str; 4] =
    [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("dbg", "!("), "#[ignore"];

fn breaches_of(file: &SourceFile) -> Vec<Breach> {
    let breach = |line: usize, rule: &str| Breach {
        file: file.path.clone(),
        line: line + 1,
        rule: rule.to_owned(),
    };
    let mut found = Vec::new();
    if !file.text.starts_with("//!") {
        found.push(breach(0, "a file opens with //!: what it is and what it refuses to know"));
    }
    let lines = file.text.lines().count();
    if lines > FILE_LINES_MAX {
        found.push(breach(lines - 1, "a file has 400 lines at most: split it by idea"));
    }
    let code = code_of(&file.text);
    for (number, (line, code)) in file.text.lines().zip(code.lines()).enumerate() {
        // Inside a text of several lines stands what the program prints, as wide as it prints it.
        let is_text = code.trim().is_empty() && !line.trim_start().starts_with("//");
        if line.chars().count() > LINE_COLUMNS_MAX && !is_text {
            found.push(breach(number, "a line has 100 columns at most"));
        }
        if let Some(mark) = UNFINISHED.iter().find(|&&mark| line.contains(mark)) {
            found.push(breach(number, &format!("{mark}: finish it or write an issue")));
        }
        if let Some(mark) = UNFINISHED_CODE.iter().find(|&&mark| code.contains(mark)) {
            found.push(breach(number, &format!("{mark}: no unfinished or disabled code")));
        }
    }
    found
}

#[test]
fn every_file_keeps_the_layout() {
    let breaches: Vec<Breach> = source_files().iter().flat_map(breaches_of).collect();
    expect_none(&breaches);
}

#[test]
fn a_breach_of_the_layout_is_found() {
    let long_line = format!("// {}", "x".repeat(LINE_COLUMNS_MAX));
    let marks = [UNFINISHED[0], "#[ignore]"].join("\n");
    let text = format!("fn main() {{\n{long_line}\n{marks}\n}}\n{}", "\n".repeat(FILE_LINES_MAX));
    let breaches = breaches_of(&SourceFile { path: "src/bad.rs".into(), text });
    let lines: Vec<usize> = breaches.iter().map(|breach| breach.line).collect();
    assert_eq!(lines, [1, 405, 2, 3, 4]);
}

/// Where a manifest takes a dependency from a repository instead of the registry.
fn git_dependencies(manifest: &str) -> Vec<String> {
    fn walk(value: &toml::Value, path: &str, found: &mut Vec<String>) {
        let Some(table) = value.as_table() else { return };
        for (name, value) in table {
            if name == "git" && path.contains("dependencies") {
                found.push(path.to_owned());
            }
            walk(value, &format!("{path}.{name}"), found);
        }
    }
    let mut found = Vec::new();
    walk(&toml::Value::Table(manifest.parse().unwrap()), "", &mut found);
    found
}

#[test]
fn every_dependency_comes_from_the_registry() {
    for manifest in ["Cargo.toml", "core/Cargo.toml"] {
        let text = std::fs::read_to_string(root().join(manifest)).unwrap();
        assert_eq!(git_dependencies(&text), Vec::<String>::new(), "{manifest}: git dependencies");
    }
}

#[test]
fn a_git_dependency_is_found() {
    let manifest = "[target.'cfg(unix)'.dev-dependencies]\nx = { git = \"https://a.example/x\" }";
    assert_eq!(git_dependencies(manifest).len(), 1);
}
