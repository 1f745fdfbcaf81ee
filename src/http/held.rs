//! The body of an answer that takes a place for as long as it is in memory. It does not know what
//! is in it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::places::Place;

/// The connection asks for the next piece when it has sent most of what it was given.
const PIECE_BYTES: usize = 64 << 10;

/// What is still to be sent, and its place.
pub(super) struct Held {
    rest: Bytes,
    _place: Place,
}

impl Held {
    pub(super) fn new(bytes: impl Into<Bytes>, place: Place) -> Self {
        Self { rest: bytes.into(), _place: place }
    }
}

impl Body for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let bytes = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
