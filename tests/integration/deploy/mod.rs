//! What stands in `deploy/` for those who run the daemon: rules, routes, dashboards and runbooks.
//! They are held to the program's metrics, checked by the tools of Prometheus and Alertmanager,
//! and shown to work together with a daemon that has something to tell.

mod chain;
mod dashboards;
mod finding_chain;
mod names;
mod promql;
mod routing;
mod rules;
mod runbooks;
mod servers;

use std::path::PathBuf;

use crate::requirement::root;

/// A file or folder of `deploy/`.
fn deployed(path: &str) -> PathBuf {
    root().join("deploy").join(path)
}

/// The text of a file of `deploy/`.
fn text_of(path: &str) -> String {
    let path = deployed(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a folder of `deploy/` with this ending, in order.
fn files_of(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(deployed(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == ending));
    files.sort();
    assert!(!files.is_empty(), "no .{ending} in deploy/{folder}");
    files
}
