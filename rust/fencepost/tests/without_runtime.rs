// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! The annotations as a crate without unsafe code uses them; in a program without the
//! runtime they do nothing, in one with it they must not change the program.
#![forbid(unsafe_code)]

use std::cell::Cell;

#[test]
fn an_operation_returns_what_its_body_returns() {
    assert_eq!(fencepost::op("add", || 3), 3);
    assert_eq!(fencepost::op(String::from("a\0b"), || "x"), "x");
}

#[test]
fn an_operation_that_panics_ends() {
    let result = std::panic::catch_unwind(|| fencepost::op("bad", || panic!("inside")));
    let message = *result.unwrap_err().downcast::<&str>().unwrap();
    assert_eq!(message, "inside");
    assert_eq!(fencepost::op("good", || 1), 1);
}

#[test]
fn memory_of_all_kinds_can_be_named() {
    let block = vec![0u8; 100];
    let region = fencepost::region(block.as_ptr(), block.len());
    fencepost::ignore(&block[10..20]);
    fencepost::ignore(&7u64);
    fencepost::validated(block.as_slice());
    fencepost::validated("text");
    fencepost::observe("state");
    fencepost::observe(block.as_slice());
    fencepost::observe(String::new());
    drop(region);
    assert!(block.iter().all(|byte| *byte == 0));
}

#[test]
fn a_crash_test_runs_neither_closure_in_this_process() {
    if fencepost::is_active() {
        return; // tests/e2e/rust has those
    }
    let called = Cell::new(false);
    let pool = std::env::temp_dir().join("fencepost-without-runtime.pool");
    std::fs::write(&pool, "mine").unwrap();
    fencepost::crash_test(&pool, || called.set(true), || called.set(true));
    fencepost::CrashTest::new(&pool)
        .prepare(|| called.set(true))
        .options(["--states", "1"])
        .run(|| called.set(true), || called.set(true));
    assert!(!called.get());
    assert_eq!(std::fs::read(&pool).unwrap(), b"mine");
    std::fs::remove_file(&pool).unwrap();
}
