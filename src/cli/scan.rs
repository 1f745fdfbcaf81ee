//! `deltrail scan`: log files of this host and objects of S3 into the store, and a summary of what
//! was in them.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use deltrail_core::decode::TimeBounds;
use deltrail_core::domain::Timestamp;
use serde_json::json;

use super::deletions::parse_moment;
use super::progress::Display;
use super::{FAILED, USAGE, fail, on_runtime, tell};
use crate::app::{self, Scanned};
use crate::config::{LogBucket, ScanFlags, Surroundings};
use crate::ingest::{ScanOrder, ScanProgress, ScanSource};

/// Walks through folders at a time, each on a thread: one finds what is read, one counts.
const WALKS: usize = 2;

/// What stands before the help.
pub(super) const EXAMPLE: &str = "\
Examples:
  deltrail scan ./trail-logs ./access-logs
  deltrail scan s3://example-trail-logs/AWSLogs/ --since 28d
  deltrail scan s3://example-trail-logs --since 2026-11-20 --until 2026-11-23T12:00:00Z";

/// Arguments of `deltrail scan`.
#[expect(clippy::doc_markdown, reason = "help is plain text")]
#[derive(Debug, Args)]
pub(super) struct ScanArguments {
    /// Files, folders with all that is below them, and s3://BUCKET/PREFIX for all objects whose
    /// keys begin with PREFIX; gzip or not, of any kind of log
    #[arg(value_name = "FILE|FOLDER|s3://BUCKET/PREFIX", required = true)]
    sources: Vec<String>,
    /// Only files that may tell of this time or later: 2026-11-23T10:00:00Z, 2026-11-23 (UTC), or
    /// 2h for 2 hours ago. Their names tell; folders of other days are not listed
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    since: Option<Timestamp>,
    /// Only files that may tell of the time before this one, written as --since is
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    until: Option<Timestamp>,
    /// Form of the summary
    #[arg(long, value_name = "table|json", default_value = "table", hide_possible_values = true)]
    output: Output,
    #[command(flatten)]
    settings: ScanFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// Scans, and prints the summary.
pub(super) fn scan(arguments: &ScanArguments, surroundings: &Surroundings) -> ExitCode {
    let order = match arguments.order() {
        Ok(order) => order,
        Err(error) => return fail(USAGE, &error),
    };
    let config = match arguments.settings.config(surroundings) {
        Ok(config) => config,
        Err(problems) => return fail(USAGE, &format!("the settings are not valid\n{problems}")),
    };
    let progress = Arc::new(ScanProgress::default());
    let display = Display::of(Arc::clone(&progress), surroundings.is_terminal);
    if let Err(error) = display.start_log(config.log_format, &config.log_filter) {
        return fail(USAGE, &error);
    }
    let mut scanned = Scanned::default();
    let busy_threads = config.workers.saturating_add(WALKS);
    let result = on_runtime(busy_threads, async {
        scanned = display.beside(Box::pin(app::scan(config, order, &progress))).await?;
        Ok(())
    });
    if let Err(error) = result {
        tracing::error!("{error:#}");
        return ExitCode::from(FAILED);
    }
    let told = tell(&match arguments.output {
        Output::Table => table(&scanned),
        Output::Json => format!("{:#}\n", as_json(&scanned)),
    });
    if scanned.report.is_complete() { told } else { ExitCode::from(FAILED) }
}

impl ScanArguments {
    fn order(&self) -> Result<ScanOrder, String> {
        let (since, until) = (self.since, self.until);
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            return Err(format!("--since {since} is not before --until {until}"));
        }
        let sources: Result<_, _> = self.sources.iter().map(|source| source_of(source)).collect();
        let bounds = TimeBounds { since, until };
        Ok(ScanOrder { sources: sources?, bounds, ..ScanOrder::default() })
    }
}

/// A prefix ends where the text ends: what S3 takes for one is any beginning of a key.
pub(super) fn source_of(text: &str) -> Result<ScanSource, String> {
    let Some(address) = text.strip_prefix("s3://") else {
        return Ok(ScanSource::Path(text.into()));
    };
    let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
    LogBucket::parse(bucket).map_err(|what| format!("{text}: {bucket:?} {what}"))?;
    Ok(ScanSource::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
}

fn as_json(Scanned { report, findings }: &Scanned) -> serde_json::Value {
    let failures = report.failures.iter().map(
        |failed| json!({ "path": failed.path, "reason": failed.reason, "message": failed.message }),
    );
    json!({
        "files": {
            "read": report.files_read,
            "duplicates": report.duplicates,
            "skipped": report.skipped,
            "failed": report.failed,
            "failures": failures.collect::<Vec<_>>(),
        },
        "records": {
            "evidence": report.evidence,
            "ignored": report.ignored,
            "rejected": report.rejected,
            "rejects": report.rejects,
            "too_old": report.too_old,
        },
        "removals_learnt": report.removals,
        "findings": findings,
        "oldest_event_at": report.span.map(|(oldest, _)| oldest.to_string()),
        "newest_event_at": report.span.map(|(_, newest)| newest.to_string()),
        "compressed_bytes": report.compressed_bytes,
        "inflated_bytes": report.inflated_bytes,
        "seconds": report.took.as_secs_f64(),
        "cut_short": report.is_cut_short,
    })
}

fn table(Scanned { report, findings }: &Scanned) -> String {
    let sum = |counts: &BTreeMap<&str, u64>| counts.values().sum::<u64>().to_string();
    let records = report.evidence + report.ignored + report.rejected;
    let span = match report.span {
        Some((oldest, newest)) => format!("from {oldest} to {newest}"),
        None => String::new(),
    };
    let inflated = format!("{} inflated", report.inflated_bytes);
    let rows = [
        ("files read", report.files_read.to_string(), String::new()),
        ("files read by an earlier scan", report.duplicates.to_string(), String::new()),
        ("files skipped", sum(&report.skipped), listed(&report.skipped)),
        ("files failed", sum(&report.failed), listed(&report.failed)),
        ("records", records.to_string(), String::new()),
        ("records of evidence", report.evidence.to_string(), span),
        ("records rejected", report.rejected.to_string(), listed(&report.rejects)),
        ("records too old", report.too_old.to_string(), older(report.too_old)),
        ("removals learnt", report.removals.to_string(), String::new()),
        ("findings", findings.map_or("-".to_owned(), |it| it.to_string()), listing(*findings)),
        ("bytes", report.compressed_bytes.to_string(), inflated),
        ("seconds", format!("{:.1}", report.took.as_secs_f64()), String::new()),
    ];
    let width = |texts: &mut dyn Iterator<Item = &str>| texts.map(str::len).max().unwrap_or(0);
    let name_width = width(&mut rows.iter().map(|row| row.0));
    let count_width = width(&mut rows.iter().map(|row| row.1.as_str()));
    let mut table = String::new();
    for (name, count, note) in &rows {
        let line = format!("{name:name_width$}  {count:>count_width$}  {note}");
        table.push_str(line.trim_end());
        table.push('\n');
    }
    if report.is_cut_short {
        table.push_str("\nstopped before all files were looked at; the next scan goes on there\n");
    }
    table
}

/// How findings are listed, if there are any.
fn listing(findings: Option<usize>) -> String {
    let note = "run `deltrail findings`";
    if findings.is_some_and(|count| count > 0) { note.to_owned() } else { String::new() }
}

/// What became of records that are too old, if any are.
fn older(count: u64) -> String {
    let note = "skipped: a daemon on this store forgets what is older than --retention";
    if count > 0 { note.to_owned() } else { String::new() }
}

/// `digest 2, zero_byte 1`.
fn listed(counts: &BTreeMap<&str, u64>) -> String {
    let each: Vec<String> = counts.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
    each.join(", ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use deltrail_core::domain::Timestamp;

    use super::{ScanSource, Scanned, as_json, source_of, table};
    use crate::ingest::{Failed, ScanReport};

    fn scanned() -> Scanned {
        Scanned { report: report(), findings: Some(2) }
    }

    fn report() -> ScanReport {
        let at = |text| Timestamp::parse(text).unwrap();
        ScanReport {
            files_read: 12,
            duplicates: 3,
            skipped: [("digest", 2), ("zero_byte", 1)].into(),
            failed: [("truncated_gzip", 1)].into(),
            failures: vec![Failed {
                path: "/logs/a.json.gz".into(),
                reason: "truncated_gzip",
                message: "it ends early".into(),
            }],
            evidence: 4_000,
            ignored: 16_000,
            rejected: 2,
            rejects: [("invalid_json", 2)].into(),
            too_old: 40,
            removals: 3_900,
            span: Some((at("2026-09-01T00:00:00Z"), at("2026-09-21T10:00:00.123Z"))),
            compressed_bytes: 1_048_576,
            inflated_bytes: 10_000_000,
            took: Duration::from_millis(1_234),
            is_cut_short: false,
        }
    }

    #[test]
    fn the_table_tells_each_figure_with_its_reasons() {
        insta::assert_snapshot!(table(&scanned()), @r"
        files read                          12
        files read by an earlier scan        3
        files skipped                        3  digest 2, zero_byte 1
        files failed                         1  truncated_gzip 1
        records                          20002
        records of evidence               4000  from 2026-09-01T00:00:00.000Z to 2026-09-21T10:00:00.123Z
        records rejected                     2  invalid_json 2
        records too old                     40  skipped: a daemon on this store forgets what is older than --retention
        removals learnt                   3900
        findings                             2  run `deltrail findings`
        bytes                          1048576  10000000 inflated
        seconds                            1.2
        ");
        let report = ScanReport { is_cut_short: true, ..ScanReport::default() };
        let stopped = table(&Scanned { report, findings: None });
        assert!(stopped.contains("stopped before all files"), "{stopped}");
        let mut words = stopped.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert!(words.any(|words| words == ["findings", "-"]), "{stopped}");
    }

    #[test]
    fn the_json_holds_what_failed_one_by_one() {
        let json = as_json(&scanned());
        assert_eq!(json["files"]["failures"][0]["path"], "/logs/a.json.gz");
        assert_eq!(json["files"]["skipped"]["digest"], 2);
        assert_eq!(json["records"]["rejects"]["invalid_json"], 2);
        assert_eq!(json["newest_event_at"], "2026-09-21T10:00:00.123Z");
        assert_eq!(json["findings"], 2);
        assert_eq!(as_json(&Scanned::default())["oldest_event_at"], serde_json::Value::Null);
    }

    #[test]
    fn only_an_address_is_in_s3_and_its_prefix_is_taken_as_it_stands() {
        let in_s3 = |bucket: &str, prefix: &str| ScanSource::S3 {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        };
        assert_eq!(source_of("s3://logs/AWSLogs/a b%20"), Ok(in_s3("logs", "AWSLogs/a b%20")));
        assert_eq!(source_of("s3://logs"), Ok(in_s3("logs", "")));
        assert_eq!(source_of("s3/logs"), Ok(ScanSource::Path("s3/logs".into())));
        for wrong in ["s3://", "s3://lo gs/x", "s3://*", "s3://arn:aws:s3:::logs/"] {
            let error = source_of(wrong).unwrap_err();
            assert!(error.starts_with(wrong), "{error}");
        }
    }
}
