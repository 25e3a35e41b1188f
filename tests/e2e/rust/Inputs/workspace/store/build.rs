// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! A build script stays without hooks, and so do its trials of the compiler.
use std::{env, fs, path::Path, process::Command};

fn main() {
    let out = env::var("OUT_DIR").unwrap();
    let trial = Path::new(&out).join("trial.rs");
    fs::write(&trial, "#![feature(no_core)]").unwrap();
    let compiler = env::var("RUSTC").unwrap();
    let status = match env::var("RUSTC_WRAPPER") {
        Ok(wrapper) => Command::new(wrapper)
            .arg(compiler)
            .args(trial_arguments(&trial))
            .status(),
        Err(_) => Command::new(compiler)
            .args(trial_arguments(&trial))
            .status(),
    };
    println!(
        "cargo:rustc-env=STORE_UNSTABLE={}",
        status.unwrap().success()
    );
    println!("cargo:rerun-if-changed=build.rs");
}

fn trial_arguments(source: &Path) -> Vec<String> {
    let target = env::var("TARGET").unwrap();
    let folder = env::var("OUT_DIR").unwrap();
    [
        source.to_str().unwrap(),
        "--crate-type=lib",
        "--emit=metadata",
        "--target",
        &target,
    ]
    .iter()
    .map(|word| word.to_string())
    .chain([format!("--out-dir={folder}")])
    .collect()
}
