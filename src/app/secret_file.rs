//! A file that holds one secret and nothing else. What a good one is, its owner knows.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::anyhow;

/// More than any secret, so that a file of something else is never read to its end.
const FILE_BYTES_MAX: u64 = 4 << 10;
/// The bit of a file's mode.
const READABLE_BY_ALL: u32 = 0o004;

/// What a file holds, without the end of its line. `what` is what it should hold, in a word, and
/// `setting` names the file.
///
/// # Errors
/// When it cannot be read, or does not hold that; what it holds is not repeated.
pub(super) fn held_by<T>(
    file: &Path,
    (what, setting): (&str, &str),
    parse: impl Fn(&str) -> Result<T, String>,
) -> anyhow::Result<T> {
    let shown = file.display();
    let (bytes, mode) = read(file).map_err(|error| {
        anyhow!(
            "the {what} file {shown} ({setting}) cannot be read: {error}; create it with the \
             {what} in it, and let this user read it"
        )
    })?;
    // Bytes that are no text are none of a secret either.
    let text = String::from_utf8_lossy(&bytes);
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let secret = parse(line.strip_suffix('\r').unwrap_or(line)).map_err(|problem| {
        anyhow!("the {what} file {shown} ({setting}) holds no {what}: what is in it {problem}")
    })?;
    if mode & READABLE_BY_ALL != 0 {
        // Not refused: the secrets of container platforms are mounted so.
        tracing::warn!(
            "every user of this host can read the {what} file {shown}; chmod 600 it, unless it is \
             in a container that only this program runs in"
        );
    }
    Ok(secret)
}

/// The beginning of a file and its permissions.
fn read(file: &Path) -> io::Result<(Vec<u8>, u32)> {
    let opened = File::open(file)?;
    let mode = opened.metadata()?.permissions().mode();
    let mut bytes = Vec::new();
    opened.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok((bytes, mode))
}
