//! From bytes to evidence.
