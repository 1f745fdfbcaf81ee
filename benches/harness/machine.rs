//! The machine that measures, in the words of Linux: figures without it say nothing.

use serde_json::{Value, json};

/// What `/proc` tells of the machine; what it does not tell is null.
pub fn described() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let processors = read("/proc/cpuinfo");
    json!({
        "processor": field(&processors, "model name"),
        "processors": std::thread::available_parallelism().map(usize::from).ok(),
        "memory": field(&read("/proc/meminfo"), "MemTotal"),
        "system": read("/proc/version").split_whitespace().nth(2),
        "compiler": env!("DELTRAIL_RUSTC"),
        "load_of_a_minute": read("/proc/loadavg").split_whitespace().next(),
    })
}
