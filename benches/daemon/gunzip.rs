//! Inflating alone, as flate2 offers it for files and as the daemon's decoder does it. It knows
//! nothing of what the bytes hold.

use std::time::Duration;

use anyhow::{Context, bail};
use flate2::{Decompress, FlushDecompress, Status};
use rustix::time::{ClockId, clock_gettime};

use super::logs::LogObject;
use crate::decode::{gunzip, gunzip_window};

/// The head of a gzip file without a name, as the profiles have it.
const HEAD_BYTES: usize = 10;
/// The decoder's window.
const WINDOW_BYTES: usize = 128 * 1024;

/// Processor time of inflating some objects.
pub struct Inflating {
    /// `G`.
    pub gunzip_seconds: f64,
    /// Deflate alone, without the checksum.
    pub inflate_seconds: f64,
}

impl Inflating {
    /// Of two times that it was measured.
    pub fn mean(&self, other: &Self) -> Self {
        Self {
            gunzip_seconds: f64::midpoint(self.gunzip_seconds, other.gunzip_seconds),
            inflate_seconds: f64::midpoint(self.inflate_seconds, other.inflate_seconds),
        }
    }
}

/// Measures both ways on this thread.
///
/// # Errors
/// When an object is no gzip.
pub fn inflating(objects: &[LogObject]) -> anyhow::Result<Inflating> {
    let mut window = gunzip_window();
    let started_at = thread_time();
    for object in objects {
        gunzip(&object.gzip, &mut window)?;
    }
    let gunzipped_at = thread_time();
    let mut window = vec![0; WINDOW_BYTES];
    for object in objects {
        inflate(&object.gzip, &mut window).with_context(|| object.key.clone())?;
    }
    let gunzip_seconds = gunzipped_at.saturating_sub(started_at).as_secs_f64();
    let inflate_seconds = thread_time().saturating_sub(gunzipped_at).as_secs_f64();
    Ok(Inflating { gunzip_seconds, inflate_seconds })
}

fn inflate(gzip: &[u8], window: &mut [u8]) -> anyhow::Result<()> {
    let mut left = gzip.get(HEAD_BYTES..).context("it is too short")?;
    let mut deflate = Decompress::new(false);
    loop {
        let before = deflate.total_in();
        let status = deflate.decompress(left, window, FlushDecompress::None)?;
        let used = usize::try_from(deflate.total_in() - before)?;
        left = &left[used..];
        match status {
            Status::StreamEnd => return Ok(()),
            Status::BufError => bail!("it ends too early"),
            Status::Ok => {}
        }
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
