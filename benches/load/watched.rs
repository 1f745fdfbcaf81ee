//! A daemon that is looked at from time to time. It knows nothing of what the daemon is told.

use std::time::{Duration, Instant};

use crate::daemon::{Daemon, Truth};
use crate::harness::Row;

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often it is asked whether it is time.
const PAUSE: Duration = Duration::from_millis(20);
/// This part of the time comes before it has all that it needs.
const WARM_SHARE: usize = 3;

const MEBIBYTE: f64 = 1_048_576.0;

/// What was seen at a moment.
struct Look {
    rss_bytes: u64,
    open_files: usize,
    log_bytes: u64,
    oldest_message_age_seconds: f64,
}

/// A daemon, and what was seen of it.
pub struct Watched {
    daemon: Daemon,
    since: Instant,
    looks: Vec<Look>,
}

impl Watched {
    /// From now on.
    pub fn by(daemon: Daemon) -> Self {
        Self { daemon, since: Instant::now(), looks: Vec::new() }
    }

    /// How long it has been looked at.
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// Looks at it if it is time, or waits a moment.
    ///
    /// # Errors
    /// When it has ended, or does not answer.
    pub fn look(&mut self) -> anyhow::Result<()> {
        self.daemon.expect_running()?;
        let looks = u32::try_from(self.looks.len()).unwrap_or(u32::MAX);
        if self.elapsed() < LOOK_EVERY.saturating_mul(looks.saturating_add(1)) {
            std::thread::sleep(PAUSE);
            return Ok(());
        }
        let held = self.daemon.held()?;
        self.looks.push(Look {
            rss_bytes: held.rss_bytes,
            open_files: held.open_files,
            log_bytes: self.daemon.file_bytes("deltrail.db-wal"),
            oldest_message_age_seconds: self
                .daemon
                .sum_of::<f64>("deltrail_oldest_message_age_seconds")?,
        });
        Ok(())
    }

    /// What it held, once it shows this truth and has ended well.
    ///
    /// # Errors
    /// When it does not show it, or ends badly.
    pub fn ended(self, truth: &Truth<'_>) -> anyhow::Result<Vec<Row>> {
        let Self { daemon, looks, .. } = self;
        daemon.expect(truth)?;
        let measured = daemon.end()?;
        let most = |of: fn(&Look) -> f64| looks.iter().map(of).fold(0.0, f64::max);
        let mut rows = vec![
            Row::once("CPU", "s", measured.cpu_seconds),
            Row::once("peak RSS", "MiB", measured.rss_peak_bytes as f64 / MEBIBYTE),
            Row::once(
                "write-ahead log at most",
                "MiB",
                most(|look| look.log_bytes as f64) / MEBIBYTE,
            ),
            Row::once("oldest message at most", "s", most(|look| look.oldest_message_age_seconds)),
            Row::once("open files at most", "files", most(|look| look.open_files as f64)),
        ];
        let steady = &looks[looks.len() / WARM_SHARE..];
        let (early, late) = steady.split_at(steady.len() / 2);
        let growth = |of: fn(&Look) -> f64| median(late, of) / median(early, of);
        if !early.is_empty() {
            let memory = growth(|look| look.rss_bytes as f64);
            rows.push(Row::once("memory late / early", "times", memory).at_most(1.1, 1.05));
            let files = growth(|look| look.open_files as f64);
            rows.push(Row::once("open files late / early", "times", files).at_most(1.1, 1.05));
        }
        Ok(rows)
    }
}

fn median(looks: &[Look], of: fn(&Look) -> f64) -> f64 {
    let mut values: Vec<f64> = looks.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
