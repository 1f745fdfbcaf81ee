//! The tests that look at the program from outside: its source tree, its documentation, real
//! CloudTrail files, and the running daemon against an AWS emulator. They know the contract (the
//! command line, settings, metrics and HTTP endpoints) and nothing of how the daemon keeps it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod app_listener;
mod attach;
mod connections;
mod container;
mod contract;
mod crash;
mod demo;
mod deploy;
mod dispositions;
mod doctor;
mod documentation;
mod drain;
mod emulator;
mod envelopes;
mod every_source;
mod faults;
mod findings;
mod flood;
mod gated;
mod hostile;
mod house;
mod leases;
mod main_job;
mod memory;
mod mistakes;
mod notify;
mod outage;
mod postgres;
mod pure_core;
mod questions;
mod real_access_logs;
mod real_data;
mod requirement;
mod sandbox;
mod scan;
mod scan_s3;
mod security;
mod served;
mod verify;
mod world;
