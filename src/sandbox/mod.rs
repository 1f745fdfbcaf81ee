//! S3 and SQS on loopback, and what AWS writes beside them, for the demo and for tests. It knows
//! what AWS sends, and nothing of what deltrail makes of it.

pub mod act;
pub mod clock;
pub mod faults;
pub mod identifiers;
pub mod principal;
