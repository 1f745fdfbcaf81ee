//! What the program finds around itself: environment, host, terminal. Nothing else of the program
//! reads them.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

/// The environment and the host, read once.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// The working directory; empty for the one of the system.
    pub directory: PathBuf,
    /// The name of the host.
    pub host_name: String,
    /// Processors that this program may use, at least 1.
    pub cores: usize,
    /// Whether stderr is read by a person.
    pub is_terminal: bool,
}

impl Surroundings {
    /// Of this program.
    #[must_use]
    pub fn here() -> Self {
        let environment: BTreeMap<_, _> =
            std::env::vars_os().map(|(name, value)| (lossy(&name), lossy(&value))).collect();
        let host_name = environment.get("HOSTNAME").cloned().filter(|name| !name.is_empty());
        let host_name = host_name.or_else(|| {
            let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
            Some(name.trim().to_owned()).filter(|name| !name.is_empty())
        });
        Self {
            environment,
            directory: PathBuf::new(),
            host_name: host_name.unwrap_or_else(|| "deltrail".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A host of 4 cores called `host-1`, not at a terminal.
    #[cfg(test)]
    pub(crate) fn of_test(environment: &[(&str, &str)]) -> Self {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            environment: environment.iter().map(owned).collect(),
            directory: PathBuf::new(),
            host_name: "host-1".to_owned(),
            cores: 4,
            is_terminal: false,
        }
    }
}

fn lossy(text: &std::ffi::OsStr) -> String {
    text.to_string_lossy().into_owned()
}
