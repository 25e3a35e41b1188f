// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Crash tests as an ordinary crate has them.
#![forbid(unsafe_code)]
use durable::{Log, Map, Pool};
use fencepost::CrashTest;
use std::path::PathBuf;

fn pool_path(test: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(test)
        .with_extension("pool")
}

#[test]
fn a_crash_loses_no_record() {
    let path = pool_path("a_crash_loses_no_record");
    let open = || Log::open(Pool::open(&path).unwrap());
    CrashTest::new(&path)
        .prepare(|| drop(Log::create(Pool::create(&path, 4096).unwrap())))
        .run(
            || open().append(&[7; 100]),
            || assert!(open().records().len() <= 1),
        );
}

#[test]
fn a_crash_leaves_the_map_in_one_piece() {
    let path = pool_path("a_crash_leaves_the_map_in_one_piece");
    let open = || Map::open(Pool::open(&path).unwrap());
    CrashTest::new(&path)
        .prepare(|| {
            let pool = Pool::create(&path, Map::pool_size(8)).unwrap();
            Map::create(pool, 8).insert(1, 2, "first");
        })
        .run(
            || {
                open().insert(3, 4, "second");
                open().remove(1);
            },
            || assert!(open().verify().count <= 2),
        );
}
