//! Every bench of the project, in one program:
//! `cargo bench --bench performance -- NAME [--rounds 9] [--json FOLDER]`.
//! It knows their names; what they measure, and against what, they say themselves.

mod commit;
mod daemon;
mod decode;
mod growth;
mod harness;
mod load;
mod notifications;
mod profiles;
mod queries;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use harness::{Flags, Table, target_folder};

/// A bench.
struct Subject {
    name: &'static str,
    measure: fn(Flags) -> anyhow::Result<Table>,
    /// Too long to be among `all`.
    is_long: bool,
}

impl Subject {
    const fn new(name: &'static str, measure: fn(Flags) -> anyhow::Result<Table>) -> Self {
        Self { name, measure, is_long: false }
    }

    const fn long(name: &'static str, measure: fn(Flags) -> anyhow::Result<Table>) -> Self {
        Self { name, measure, is_long: true }
    }
}

const SUBJECTS: [Subject; 12] = [
    Subject::new("commit", commit::measure),
    Subject::new("decode", decode::measure),
    Subject::new("threads", decode::measure_threads),
    Subject::new("memory", decode::measure_memory),
    Subject::new("daemon", daemon::measure),
    Subject::new("small-files", daemon::measure_small_files),
    Subject::new("notifications", notifications::measure),
    Subject::new("queries", queries::measure),
    Subject::long("growth", growth::measure),
    Subject::long("soak", load::soak),
    Subject::long("backlog", load::backlog),
    Subject::long("purge", load::purge),
];

/// What this program does when it is started as a process of its own to be measured as a whole.
type Part = fn(&[String]) -> anyhow::Result<()>;

const PARTS: [(&str, Part); 3] = [
    (decode::DECODE_ALONE, decode::decode_alone),
    (daemon::BARE_LOOP, daemon::bare_loop),
    (notifications::BARE_LOOP, notifications::bare_loop),
];

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let part = arguments.first().and_then(|name| PARTS.iter().find(|(known, _)| known == name));
    let done = if let Some((_, run)) = part {
        run(&arguments[1..])
    } else if let Some(at) = arguments.iter().position(|argument| argument == "--bench") {
        arguments.remove(at);
        measure(arguments)
    } else {
        // `cargo test` runs benches too, without saying so.
        println!("nothing is measured without `cargo bench --bench performance`");
        Ok(())
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("performance: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures what the first argument names, and says and writes what came out.
fn measure(mut arguments: Vec<String>) -> anyhow::Result<()> {
    let known = SUBJECTS.map(|subject| subject.name).join(", ");
    let usage = || format!("name what to measure: {known}, or all");
    let name = if arguments.is_empty() { None } else { Some(arguments.remove(0)) };
    let name = name.with_context(usage)?;
    let mut flags = Flags::new(arguments);
    let folder = flags.value("--json", target_folder().join("bench").display().to_string())?;
    let wanted = |subject: &&Subject| subject.name == name || name == "all" && !subject.is_long;
    let wanted: Vec<&Subject> = SUBJECTS.iter().filter(wanted).collect();
    wanted.first().with_context(usage)?;
    for subject in wanted {
        let table = (subject.measure)(flags.clone()).with_context(|| subject.name)?;
        println!("\n{table}");
        table.write_json(&PathBuf::from(&folder))?;
    }
    Ok(())
}
