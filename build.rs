//! Tells the program which compiler built it; `deltrail_build_info` shows it.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=DELTRAIL_REVISION");
    let version = std::env::var_os("RUSTC")
        .and_then(|rustc| Command::new(rustc).arg("--version").output().ok())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .and_then(|text| text.split_whitespace().nth(1).map(str::to_owned));
    println!("cargo:rustc-env=DELTRAIL_RUSTC={}", version.as_deref().unwrap_or("unknown"));
}
