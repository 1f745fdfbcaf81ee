//! What a suite needs from the machine. It knows no suite.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

/// The project's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A new directory under `target/` that outlives the test, for logs and large files: what a failed
/// test left is what explains it.
pub fn scratch(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}

/// Says that a suite is skipped, where a runner that hides what passing tests print shows it too.
pub fn skipped(reason: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
}

/// A tool that `make test` installs: the path under `target/` if it is there, else the name if
/// it is on the `PATH`. Without it the suite is skipped, and fails when everything is required.
pub fn tool(under_target: &str, name: &str) -> Option<PathBuf> {
    let installed = root().join("target").join(under_target).join(name);
    if installed.exists() {
        return Some(installed);
    }
    if Command::new(name).arg("--version").output().is_ok() && under_target != "venv/bin" {
        return Some(PathBuf::from(name));
    }
    missing(&format!("{name} is missing; `make test-tools` installs it"));
    None
}

/// Says that a suite is skipped for something that `make test` provides, and so fails where
/// everything is required.
pub fn missing(reason: &str) {
    assert!(std::env::var_os("DELTRAIL_TEST_REQUIRE_ALL").is_none(), "{reason}");
    skipped(reason);
}
