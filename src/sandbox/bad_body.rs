//! Bodies that arrive badly: cut in the middle, or in small pieces with pauses. It does not decide
//! when they do, nor whose they are.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};

const PIECES: usize = 16;
const PAUSE: Duration = Duration::from_millis(20);

/// The first half, then a broken connection.
pub(super) fn cut(body: &Bytes) -> impl Stream<Item = io::Result<Bytes>> + use<> {
    let half = body.slice(..body.len() / 2);
    let broken = stream::once(async {
        // The half has to leave before the connection breaks.
        tokio::time::sleep(PAUSE).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    stream::iter([Ok(half)]).chain(broken)
}

/// All of it, in small pieces with pauses between.
pub(super) fn slow(body: &Bytes) -> impl Stream<Item = io::Result<Bytes>> + use<> {
    let piece_bytes = body.len().div_ceil(PIECES).max(1);
    let starts = (0..body.len()).step_by(piece_bytes);
    let pieces: Vec<Bytes> =
        starts.map(|start| body.slice(start..body.len().min(start + piece_bytes))).collect();
    stream::iter(pieces).then(|piece| async {
        tokio::time::sleep(PAUSE).await;
        Ok(piece)
    })
}
