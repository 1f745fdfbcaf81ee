//! The pure part of deltrail: what S3 deletion evidence is (`domain`), how bytes become it
//! (`decode`), and which of it is unusual (`detect`). It takes bytes, times and limits as arguments
//! and returns values; it knows no network, no disk, no clock and no database, and Cargo itself
//! keeps it so: none of those crates is a dependency here.

pub mod decode;
pub mod detect;
pub mod domain;
