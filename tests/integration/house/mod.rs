//! The rules of the house, held to every source file: who may know whom, how a file opens, how
//! long it may be, and what may not be left in it. They know no meaning of the code.

mod code;
mod imports;
mod layout;

use std::path::{Path, PathBuf};

use crate::requirement::root;

/// One place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Breach {
    file: String,
    /// From 1.
    line: usize,
    rule: String,
}

/// A source file: its path from the root, with `/`, and its text.
struct SourceFile {
    path: String,
    text: String,
}

/// Every Rust file of the project.
fn source_files() -> Vec<SourceFile> {
    let mut files = Vec::new();
    for folder in ["core", "src", "tests", "benches"] {
        collect(&root().join(folder), &mut files);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(files.iter().any(|file| file.path == "src/main.rs"), "the source tree was not found");
    files
}

fn collect(folder: &Path, files: &mut Vec<SourceFile>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    for path in paths {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            files.push(SourceFile { path, text });
        }
    }
}

/// Fails with every breach, one per line.
fn expect_none(breaches: &[Breach]) {
    let lines: Vec<String> = breaches
        .iter()
        .map(|Breach { file, line, rule }| format!("{file}:{line}: {rule}"))
        .collect();
    assert!(breaches.is_empty(), "rules of the house are broken:\n{}", lines.join("\n"));
}
