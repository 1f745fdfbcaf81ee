//! Bodies that nobody wants. It knows no format.

use std::time::Duration;

use axum::body::BodyDataStream;
use futures_util::StreamExt;

/// How much is passed over of what is too large or not wanted. A sender that is cut off while it
/// sends may never see the answer.
const BYTES_MAX: usize = 16 << 20;
const TIMEOUT: Duration = Duration::from_secs(2);

/// Lets the sender finish, within limits, so that it sees the answer.
pub(super) async fn pass_over(mut chunks: BodyDataStream) {
    let all = async {
        let mut passed_over = 0;
        while let Some(Ok(chunk)) = chunks.next().await {
            passed_over += chunk.len();
            if passed_over > BYTES_MAX {
                break;
            }
        }
    };
    // What comes later is not waited for: the answer is the same.
    let _ = tokio::time::timeout(TIMEOUT, all).await;
}
