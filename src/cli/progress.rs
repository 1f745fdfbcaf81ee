//! How far a scan is, on stderr: a bar at a terminal, a log line now and then elsewhere. It reads
//! nothing but counts.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::logging;
use super::output::text::duration;
use crate::config::LogFormat;
use crate::ingest::{ScanProgress, ScanSnapshot};

/// How often a bar is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(200);
/// How often a line is written where there is no bar.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Rates are those of this time: long enough for large files, short enough to follow a change.
const RATE_WINDOW: Duration = Duration::from_secs(20);

/// The display of one scan.
pub(super) struct Display {
    progress: Arc<ScanProgress>,
    /// None where nobody would see it move.
    bar: Option<ProgressBar>,
}

impl Display {
    /// A display on stderr.
    pub(super) fn of(progress: Arc<ScanProgress>, is_terminal: bool) -> Self {
        let bar = is_terminal.then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            // Without colours. A template that is no good would be found by the first draw.
            let style = ProgressStyle::with_template("{bar:24} {msg}");
            style.map(|style| bar.clone().with_style(style.progress_chars("=> "))).unwrap_or(bar)
        });
        Self { progress, bar }
    }

    /// Starts the program's log, whose lines stand above the bar.
    ///
    /// # Errors
    /// What is wrong with the filter.
    pub(super) fn start_log(&self, format: LogFormat, filter: &str) -> Result<(), String> {
        match self.bar.clone() {
            Some(bar) => logging::start_with(format, filter, move || AboveBar(bar.clone())),
            None => logging::start(format, filter),
        }
    }

    /// Shows how far `work` is until it ends.
    pub(super) async fn beside<T>(&self, work: impl Future<Output = T>) -> T {
        let result = tokio::select! {
            result = work => result,
            never = self.show() => match never {},
        };
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        result
    }

    async fn show(&self) -> std::convert::Infallible {
        let every = if self.bar.is_some() { DRAW_EVERY } else { LINE_EVERY };
        let mut tick = tokio::time::interval(every);
        let mut pace = Pace::default();
        tick.tick().await;
        loop {
            tick.tick().await;
            let snapshot = self.progress.snapshot();
            pace.note(Instant::now(), snapshot);
            let Some(bar) = &self.bar else {
                tracing::info!("scanned {}", pace.line());
                continue;
            };
            bar.set_length(snapshot.files_found.max(snapshot.files_done));
            bar.set_position(snapshot.files_done);
            bar.set_message(pace.line());
        }
    }
}

/// Lines of the log go above the bar, which is drawn again below them.
struct AboveBar(ProgressBar);

impl Write for AboveBar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// What was counted within the last [`RATE_WINDOW`], the oldest first.
#[derive(Debug, Default)]
struct Pace(VecDeque<(Instant, ScanSnapshot)>);

impl Pace {
    fn note(&mut self, now: Instant, snapshot: ScanSnapshot) {
        self.0.push_back((now, snapshot));
        // One that is older stays, so that the window is full.
        while self.0.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= RATE_WINDOW) {
            self.0.pop_front();
        }
    }

    /// `120 of 1200 files, 40.0/s, 1.5 MB/s, 27.000 s left`.
    fn line(&self) -> String {
        let (Some((from, first)), Some((now, last))) = (self.0.front(), self.0.back()) else {
            return String::new();
        };
        let seconds = now.duration_since(*from).as_secs_f64();
        let per_second = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let files = per_second(last.files_done - first.files_done);
        let megabytes = per_second(last.bytes_read - first.bytes_read) / 1e6;
        let counted = match (last.is_all_found, last.files_found.max(last.files_done)) {
            (true, found) => format!("{found}"),
            (false, found) => format!("{found} or more"),
        };
        let done = last.files_done;
        let rate = format!("{done} of {counted} files, {files:.1}/s, {megabytes:.1} MB/s");
        let left = last.files_found.saturating_sub(done);
        if !last.is_all_found || files <= 0.0 {
            return rate;
        }
        let left = Duration::try_from_secs_f64(left as f64 / files).unwrap_or(Duration::MAX);
        let millis = i64::try_from(left.as_secs().saturating_mul(1_000)).unwrap_or(i64::MAX);
        let left = duration(millis);
        format!("{rate}, {} left", left.replace(".000", ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(found: u64, done: u64, bytes: u64, is_all_found: bool) -> ScanSnapshot {
        ScanSnapshot { files_found: found, files_done: done, bytes_read: bytes, is_all_found }
    }

    #[test]
    fn the_line_tells_rate_and_time_left_once_all_is_counted() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.line(), "");
        pace.note(start, counted(50, 0, 0, false));
        assert_eq!(pace.line(), "0 of 50 or more files, 0.0/s, 0.0 MB/s");
        pace.note(start + Duration::from_secs(10), counted(1_200, 400, 15_000_000, true));
        assert_eq!(pace.line(), "400 of 1200 files, 40.0/s, 1.5 MB/s, 20 s left");
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let start = Instant::now();
        let mut pace = Pace::default();
        for second in 0..=60 {
            // A hundred a second, then ten.
            let done = if second < 30 { second * 100 } else { 3_000 + (second - 30) * 10 };
            pace.note(start + Duration::from_secs(second), counted(3_900, done, 0, true));
        }
        assert_eq!(pace.line(), "3300 of 3900 files, 10.0/s, 0.0 MB/s, 1 min 0 s left");
        assert!(pace.0.len() <= 22, "{}", pace.0.len());
    }
}
